#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The page of 'kdump-torture report', opened and used in a browser.

Speaks TAP, as the other tests do. The interpreter is Debian's, for the driver of the
browser is a package of it.
"""
import copy
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys

from selenium import webdriver
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select, WebDriverWait

TOP = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get('BUILD', TOP / 'build')).resolve()
COMMAND = BUILD / 'kdump-torture'
SCRATCH = BUILD / 'tests/e2e/report'
RESULTS = json.loads((TOP / 'tests/report/results.json').read_text())
STATUSES = ('pass', 'fail', 'error', 'inconclusive', 'skip')

facts = failed = 0


def ok(good, fact):
    global facts, failed
    facts += 1
    failed += not good
    print(f'{"" if good else "not "}ok {facts} - {fact}', flush=True)
    return good


def same(got, wanted, fact):
    if not ok(got == wanted, fact):
        for what, value in (('got', got), ('wanted', wanted)):
            print(f'#   {what}: {value!r}'[:1000])


def report(name, results, *options, baseline=None):
    """Write the results, and with the command the page: its path."""
    directory = SCRATCH / name
    directory.mkdir(parents=True)
    (directory / 'results.json').write_text(json.dumps(results))
    if baseline:
        (directory / 'old.json').write_text(json.dumps(baseline))
        options += ('--baseline', directory / 'old.json')
    done = subprocess.run([COMMAND, 'report', *options, directory], capture_output=True, text=True)
    if done.returncode:
        ok(False, f'{name}: the page is written: {done.stderr}')
    same(done.stdout, f'{directory}/report.html\n', f'{name}: its path is printed')
    return directory / 'report.html'


class Browser(webdriver.Chrome):
    def __init__(self, script=True):
        options = webdriver.ChromeOptions()
        options.binary_location = '/usr/bin/chromium'
        # Its sandbox wants another user than root, and containers have a small /dev/shm.
        for argument in ('--headless=new', '--no-sandbox', '--disable-dev-shm-usage',
                         '--disable-gpu', '--window-size=1400,1000'):
            options.add_argument(argument)
        options.set_capability('goog:loggingPrefs', {'browser': 'ALL', 'performance': 'ALL'})
        if not script:
            options.add_experimental_option(
                'prefs', {'profile.managed_default_content_settings.javascript': 2})
        super().__init__(service=Service('/usr/bin/chromedriver'), options=options)

    def open(self, path):
        self.get('about:blank')
        self.get_log('performance')
        self.get(path.as_uri())

    def prefer(self, scheme):
        self.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': 'screen', 'features': [
            {'name': 'prefers-color-scheme', 'value': scheme}]})

    def resize(self, width, height):
        self.execute_cdp_cmd('Emulation.setDeviceMetricsOverride', {
            'width': width, 'height': height, 'deviceScaleFactor': 1, 'mobile': True})

    def all(self, selector):
        return self.find_elements(By.CSS_SELECTOR, selector)

    def one(self, selector):
        return self.find_element(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        WebDriverWait(self, 10, .05).until(lambda _: condition())

    def requests(self):
        """What the page asked for since it was opened, but for itself."""
        events = [json.loads(entry['message'])['message'] for entry in self.get_log('performance')]
        urls = [event['params']['request']['url'] for event in events
                if event['method'] == 'Network.requestWillBeSent']
        return [url for url in urls if url.split('#')[0] != self.current_url.split('#')[0]]

    def visible_cells(self):
        """Of the matrices, by their status."""
        return sorted(self.execute_script(
            'return [...document.querySelectorAll(".matrix td[data-s] a")].filter('
            'a => a.checkVisibility({ visibilityProperty: true })).map(a => a.parentNode.dataset.s)'))

    def story(self):
        """The one that is shown, or None."""
        shown = self.execute_script('return [...document.querySelectorAll(".story")].filter('
                                    'story => story.checkVisibility())')
        return shown[0] if len(shown) == 1 else None


def result_of(ident, results=RESULTS):
    return next(result for result in results['results'] if result['id'] == ident)


def cell_of(browser, ident, results=RESULTS):
    """The link of the cell of a crash: cells have the numbers of the results."""
    number = results['results'].index(result_of(ident, results)) + 1
    return browser.one(f'#c{number}')


def count(results, status):
    return sum(result['status'] == status for result in results['results'])


def test_counts(browser):
    for status in STATUSES:
        nr = count(RESULTS, status)
        same(len(browser.all(f'.matrix td[data-s="{status}"]')), nr, f'matrix: {nr} {status}')
        shown = [item.text for item in browser.all(f'.counts [data-count="{status}"] b')]
        same(shown, [str(nr)] if nr or status in ('pass', 'fail') else [], f'header: {nr} {status}')
    same(browser.one('#verdict').text, '✕ FAIL', 'the verdict of the whole')
    bad = sum(count(RESULTS, status) for status in ('fail', 'error', 'inconclusive'))
    same(len(browser.all('.failures tbody tr')), bad, 'each that is not as expected is listed')
    header = browser.one('header').text
    for text in (RESULTS['emulator'], RESULTS['command'], RESULTS['started'], *RESULTS['kernels']):
        ok(text in header, f'header: {text}')
    signs = {'pass': '✓', 'fail': '✕', 'inconclusive': '?', 'skip': '–'}
    ok(all(cell.text.startswith(signs[cell.get_attribute('data-s')])
           for cell in browser.all('.matrix td[data-s]')), 'each cell has a sign besides its colour')
    ok('fail expected' in cell_of(browser, 'bitmap-list-add/bitmap/list_add/2/self').text,
       'a failure that is expected is told from a pass')


def drawn(browser):
    """Addresses and states of the VMCSes in the drawings that are shown."""
    nodes = [node for node in browser.all('svg.list .node[data-vmcs]') if node.is_displayed()]
    states = ('not-cleared', 'never-loaded', 'cleared', 'unknown')
    return sorted((node.get_attribute('data-vmcs'),
                   next(s for s in states if s in node.get_attribute('class').split()),
                   next(s for s in states if s in node.text)) for node in nodes)


def test_story(browser):
    ident = 'list/bitmap/list_add/2/self'
    result = result_of(ident)
    cell_of(browser, ident).click()
    story = browser.story()
    if not ok(story is not None, 'a click on a failing cell shows one story'):
        return
    text = story.text
    instruction = next(
        boundary['instruction']
        for boundary in RESULTS['kernels']['bitmap']['functions'][result['function']]['boundaries']
        if boundary['offset'] == result['offset'])
    for wanted in (result['text'], instruction, 'crash_point.h:75', 'the victim CPU sent the NMI',
                   'had done 2 of its 4 stores', 'expects verdict pass',
                   result['findings'][0]['text'], '--kernel bitmap --point list_add/2 --deliver self',
                   '--situation plain --cpu 1 --guests 3 --bystanders 1', ident):
        ok(wanted in text, f'story: {wanted}')
    links = [link.get_attribute('href') for link in story.find_elements(By.TAG_NAME, 'a')]
    same(links, [(SCRATCH / 'plain' / result['directory']).as_uri() + '/'],
         'story: the run directory, beside the page')
    states = {vmcs['pa']: vmcs['state'] for vmcs in result['vmcs']}
    wanted = [node['vmcs'] for cpu in result['lists'] for node in cpu['nodes'] if node['vmcs']]
    wanted += [operation['vmcs'] for operation in result['operations']]
    same(drawn(browser), sorted((pa, states[pa], states[pa]) for pa in wanted),
         'drawing: the entries, and the one that is half way on, with their states')
    ok(any('->prev NULL' in node.text for node in browser.all('svg.list .beside')
           if node.is_displayed()), 'drawing: its dangling pointer')
    ok(len([row for row in browser.all('table.vmcs tbody tr') if row.is_displayed()])
       == len(result['vmcs']), 'table: each VMCS')
    browser.one('body').send_keys(Keys.ESCAPE)
    browser.wait(lambda: browser.story() is None)
    ok(True, 'Escape closes it')


def test_console(browser):
    ident = 'publish-first/publish-first/list_add/2/self'
    result = result_of(ident)
    browser.execute_script('arguments[0].click()', cell_of(browser, ident))
    console = browser.story().find_element(By.CSS_SELECTOR, '.console').get_attribute('textContent')
    same(console.splitlines(), result['console'], 'a run that hung: its console')
    ok(f'hung in phase {result["phase"]}' in browser.story().text, 'and the phase')
    browser.execute_script('arguments[0].click()', browser.one('.story:target').find_element(
        By.XPATH, '..').find_element(By.CSS_SELECTOR, '.close a'))
    browser.wait(lambda: browser.story() is None)
    ok(True, 'the link closes it, too')
    lost = 'publish-first/publish-first/list_add/2/shootdown'
    browser.execute_script('arguments[0].click()', cell_of(browser, lost))
    same(len([node for node in browser.all('svg.list .beside') if node.is_displayed()]),
         sum(vmcs['oracles']['list']['word'] == 'lost' for vmcs in result_of(lost)['vmcs']),
         'those that the list has lost are drawn beside it')
    browser.one('body').send_keys(Keys.ESCAPE)
    browser.wait(lambda: browser.story() is None)


def test_filter(browser):
    everything = browser.visible_cells()
    same(len(everything), len(RESULTS['results']), 'no filter: each crash')
    Select(browser.one('[name=status]')).select_by_visible_text('fail')
    same(browser.visible_cells(), ['fail'] * count(RESULTS, 'fail'), 'filter: the failures')
    same(browser.one('#shown').text, f'{count(RESULTS, "fail")} of {len(everything)} crashes',
         'filter: how many')
    Select(browser.one('[name=kernel]')).select_by_visible_text('fixed')
    same(browser.visible_cells(), [], 'filter: none of them in kernel fixed')
    ok(not any(table.is_displayed() for table in browser.all('.scenario')), 'nor empty tables')
    browser.one('#filter [type=reset]').click()
    browser.wait(lambda: len(browser.visible_cells()) == len(everything))
    ok(True, 'filter: cleared')
    browser.one('[name=text]').send_keys('jump label')
    same(browser.visible_cells(), ['skip'], 'filter: by text of the message')
    browser.one('#filter [type=reset]').click()
    Select(browser.one('[name=scenario]')).select_by_visible_text('publish-first')
    Select(browser.one('[name=delivery]')).select_by_visible_text('shootdown')
    same(browser.visible_cells(), ['fail'], 'filter: by scenario and delivery')
    browser.one('#filter [type=reset]').click()
    browser.wait(lambda: len(browser.visible_cells()) == len(everything))


def focused(browser):
    return browser.switch_to.active_element


def test_keyboard(browser):
    first = browser.one('.matrix td[data-s] a')
    same([link.get_attribute('tabindex') for link in browser.all('.matrix td[data-s] a')].count('0'),
         1, 'keyboard: one cell is in the order of Tab')
    browser.execute_script('arguments[0].focus()', first)
    focused(browser).send_keys(Keys.ARROW_DOWN)
    second = focused(browser)
    row = browser.execute_script('return arguments[0].closest("tr").rowIndex', second)
    same(row, browser.execute_script('return arguments[0].closest("tr").rowIndex', first) + 1,
         'keyboard: down')
    focused(browser).send_keys(Keys.ARROW_UP)
    ok(focused(browser) == first, 'keyboard: up')
    focused(browser).send_keys(Keys.ARROW_RIGHT)
    ok(focused(browser) != first, 'keyboard: right')
    here = focused(browser)
    here.send_keys(Keys.ENTER)
    browser.wait(lambda: browser.story() is not None)
    same(browser.story().get_attribute('id'), here.get_attribute('href').split('#')[1],
         'keyboard: Enter opens')
    ok(focused(browser) == browser.story(), 'keyboard: the story has the focus')
    focused(browser).send_keys(Keys.ESCAPE)
    browser.wait(lambda: browser.story() is None)
    ok(focused(browser) == here, 'keyboard: Escape goes back to the cell')
    bad = []
    for _ in range(5):
        focused(browser).send_keys('n')
        browser.wait(lambda: browser.story() is not None and (
            not bad or browser.story().get_attribute('id') != bad[-1]))
        bad.append(browser.story().get_attribute('id'))
    wanted = [link.get_attribute('href').split('#')[1] for link in browser.all(
        '.matrix td[data-s] a') if link.find_element(By.XPATH, '..').get_attribute('data-s') not in
        ('pass', 'skip')]
    same(sorted(bad), sorted(wanted), 'keyboard: n goes through all that are not as expected')
    focused(browser).send_keys(Keys.ESCAPE)
    browser.wait(lambda: browser.story() is None)


def test_functions(browser):
    result = result_of('list/bitmap/list_add/2/self')
    number = RESULTS['results'].index(result) + 1
    links = browser.all(f'.code td.fail a[href="#r{number}"]')
    same(len(links), 1, 'functions: the failure is beside its instruction')
    row = links[0].find_element(By.XPATH, '../..')
    text = row.get_attribute('textContent')
    ok(f'+{result["offset"]:#x}' in text and 'crash_point.h:75' in text,
       'functions: with offset and source line')
    problems = [row.get_attribute('textContent') for row in browser.all('.code tr.no-probe')]
    ok(any('a jump label, which the kernel patches itself' in problem for problem in problems),
       'functions: why there can be no probe')
    wanted = {(kernel, name): len(function['boundaries'])
              for kernel, value in RESULTS['kernels'].items()
              for name, function in value['functions'].items()
              if any(result['kernel'] == kernel and result['function'] == name and
                     result['status'] != 'skip' for result in RESULTS['results'])}
    same(len(browser.all('.code tbody tr')), sum(wanted.values()),
         'functions: each place of those that a crash came into')
    ok('free_nested() (2)' in browser.one('#functions').text, 'functions: the others are named')


def test_times(browser):
    section = browser.one('#times')
    first = section.find_element(By.CSS_SELECTOR, 'a')
    slowest = max(RESULTS['results'], key=lambda result: result['seconds'])
    same(first.text, slowest['id'], 'times: the slowest comes first')
    ok(f'{RESULTS["pace"]:.1f} crashes a minute' in section.text, 'times: the pace')


CONTRASTS = """
function luminance(color) {
    const part = color.map(v => v / 255).map(v => v <= .04045 ? v / 12.92 : ((v + .055) / 1.055) ** 2.4);
    return .2126 * part[0] + .7152 * part[1] + .0722 * part[2];
}
const parse = text => text.match(/[0-9.]+/g).map(Number);
const found = {};
for (const element of document.querySelectorAll('body *')) {
    if (![...element.childNodes].some(node => node.nodeType === 3 && node.data.trim()) ||
        !element.checkVisibility({ visibilityProperty: true }) || element.closest('script, option'))
        continue;
    const style = getComputedStyle(element), svg = element.closest('svg');
    let background = [255, 255, 255], opacity = 1, surface = null;
    for (let up = element; up; up = up.parentElement) {
        opacity *= getComputedStyle(up).opacity;
        const color = parse(getComputedStyle(up).backgroundColor);
        if (!surface && (color.length === 3 || color[3] > 0))
            surface = color;
    }
    const box = svg && element.parentElement.querySelector('rect');
    background = box ? parse(getComputedStyle(box).fill) : surface;
    const color = parse(svg ? style.fill : style.color)
        .slice(0, 3).map((v, i) => v * opacity + background[i] * (1 - opacity));
    const [low, high] = [luminance(color), luminance(background)].sort((a, b) => a - b);
    const ratio = (high + .05) / (low + .05);
    const large = parseFloat(style.fontSize) >= 24 || (style.fontWeight >= 700 && parseFloat(style.fontSize) >= 18.66);
    if (ratio < (large ? 3 : 4.5))
        found[element.tagName + '.' + element.getAttribute('class') + ' in ' +
            element.parentElement.getAttribute('class') + ': ' + ratio.toFixed(2)] = true;
}
return Object.keys(found);
"""


def test_contrast(browser):
    """Text and what is behind it, WCAG 1.4.3, in the colours of day and night."""
    for scheme in ('light', 'dark'):
        browser.prefer(scheme)
        same(browser.execute_script(CONTRASTS), [], f'{scheme}: the page has contrast')
        for number in {result['status']: nr + 1
                       for nr, result in enumerate(RESULTS['results'])}.values():
            browser.execute_script('location.hash = arguments[0]', f'#r{number}')
            browser.wait(lambda: browser.story() is not None)
            same(browser.execute_script(CONTRASTS), [], f'{scheme}: so has story {number}')
        browser.execute_script('location.hash = "#matrix"')
    backgrounds = []
    for scheme in ('dark', 'light'):
        browser.prefer(scheme)
        backgrounds.append(browser.one('body').value_of_css_property('background-color'))
    ok(backgrounds[0] != backgrounds[1], 'the two differ')


def test_structure(browser):
    same(browser.one('html').get_attribute('lang'), 'en', 'the page tells its language')
    same([len(browser.all(landmark)) for landmark in ('body > header', 'body > nav', 'body > main')],
         [1, 1, 1], 'it has landmarks')
    same(len(browser.all('h1')), 1, 'and one heading of the whole')
    same(browser.execute_script(
        'const ids = [...document.querySelectorAll("[id]")].map(e => e.id);'
        'return ids.filter((id, nr) => ids.indexOf(id) !== nr)'), [], 'no id is there twice')
    same(browser.execute_script(
        'return [...document.querySelectorAll("a[href^=\'#\']")].map(a => a.hash.slice(1))'
        '.filter(id => !document.getElementById(id))'), [], 'each link leads somewhere')
    same(browser.execute_script(
        'return [...document.querySelectorAll("th:not([scope])")].length'), 0,
        'each heading of a table says of what it is one')


def test_narrow(browser):
    browser.resize(390, 844)
    wide = 'return document.documentElement.scrollWidth > innerWidth'
    same(browser.execute_script(wide), False, 'on a telephone the page is not wider than that')
    number = RESULTS['results'].index(result_of('list/bitmap/list_add/2/self')) + 1
    browser.execute_script('location.hash = arguments[0]', f'#r{number}')
    browser.wait(lambda: browser.story() is not None)
    same(browser.execute_script(
        'const sheet = document.querySelector(".sheet:has(:target)");'
        'return [sheet.scrollWidth > sheet.clientWidth, sheet.clientWidth]'), [False, 389],
        'nor is a story')
    browser.execute_script('location.hash = "#matrix"')
    browser.execute_cdp_cmd('Emulation.clearDeviceMetricsOverride', {})


def test_page(browser):
    page = report('plain', RESULTS)
    text = page.read_text()
    same(re.findall(r'(?:src|href)="(?!#)([^"]*)"', text),
         [result['directory'] + '/' for result in ordered(RESULTS) if result['directory']],
         'the page refers to run directories, and to nothing else')
    ok(not re.search(r'https?://|@import|url\((?!#)', text), 'and loads nothing')
    browser.open(page)
    for test in (test_counts, test_structure, test_story, test_console, test_filter, test_keyboard,
                 test_functions, test_times, test_contrast, test_narrow):
        test(browser)
    browser.execute_cdp_cmd('Emulation.setEmulatedMedia', {'media': 'print'})
    bad = sum(count(RESULTS, status) for status in ('fail', 'error', 'inconclusive'))
    same(sum(story.is_displayed() for story in browser.all('.story')), bad,
         'printed, it tells the stories of those that are not as expected')
    browser.prefer('light')
    same(browser.get_log('browser'), [], 'nothing on the browser\'s console')
    same(browser.requests(), [], 'no request but for the page')


def ordered(results):
    """Those with a directory, as the page has them: stories with a dump come first."""
    with_dump = [result for result in results['results'] if 'vmcs' in result]
    return with_dump + [result for result in results['results'] if 'vmcs' not in result]


def test_without_script():
    browser = Browser(script=False)
    try:
        page = SCRATCH / 'plain/report.html'
        browser.open(page)
        same(len(browser.visible_cells()), len(RESULTS['results']), 'no script: the matrix is there')
        ok(not browser.one('#filter').is_displayed(), 'no script: what needs it is not')
        cell_of(browser, 'list/bitmap/list_del/2/remote').click()
        browser.wait(lambda: browser.story() is not None)
        ok('--point list_del/2 --deliver remote' in browser.story().text,
           'no script: a click shows the story')
        ok(len(drawn(browser)) == 4, 'no script: and the drawing')
    finally:
        browser.quit()


NASTY = ('</script><script>window.pwned = 1</script>', '<img src=x onerror="window.pwned = 2">',
         '"><svg onload=window.pwned=3>', "' onmouseover='window.pwned=4", '&lt;b&gt; &amp; <!--',
         ']]></pre></style></title>', 'esc \x1b[31m bel \x07 del \x7f', 'right-to-left \u202e gpj',
         '${7*7} {{7*7}} %s %n')


def test_nasty(browser):
    results = copy.deepcopy(RESULTS)
    results['command'] = NASTY[0]
    results['emulator'] = NASTY[1]
    results['kernels']['fixed']['release'] = NASTY[2]
    target = result_of('list/bitmap/list_add/2/self', results)
    target['console'] = list(NASTY)
    target['text'] = NASTY[2]
    target['directory'] = 'javascript:window.pwned=5'
    target['vmcs'][0]['comm'] = NASTY[1]
    target['vmcs'][0]['oracles']['log']['reason'] = NASTY[3]
    target['lists'][1]['at'] = NASTY[1]
    target['lists'][1]['nodes'][1]['prev'] = NASTY[2]
    target['findings'] = [{'weight': 'note', 'text': text} for text in NASTY]
    for function in results['kernels']['bitmap']['functions'].values():
        function['boundaries'][0].update(instruction=NASTY[0], file=NASTY[2], problem=NASTY[1],
                                         probe=False)
    for result in results['results']:
        if result['scenario'] == 'lost':
            result['scenario'] = result['kernel'] = result['point'] = NASTY[2]
    browser.open(report('nasty', results))
    same(browser.execute_script('return window.pwned'), None, 'nasty: no text has become a script')
    same(len(browser.all('img, iframe, object, [onerror], [onload], [onmouseover]')), 0,
         'nasty: nor an element')
    same(len(browser.all('script')), 1, 'nasty: there is one script')
    same(len(browser.visible_cells()), len(results['results']), 'nasty: all cells are there')
    same(browser.one('header .command').text, NASTY[0], 'nasty: the command line is as it was')
    cell_of(browser, 'list/bitmap/list_add/2/self', results).click()
    console = browser.story().find_element(By.CSS_SELECTOR, '.console')
    lines = console.get_attribute('textContent').splitlines()
    same(lines[:6], list(NASTY[:6]), 'nasty: so are the lines of the console')
    same(lines[6:8], ['esc ␛[31m bel ␇ del ␡', 'right-to-left [U+202E] gpj'],
         'nasty: control characters are shown')
    link = browser.story().find_element(By.CSS_SELECTOR, 'a').get_attribute('href')
    ok(link.startswith('file:///'), 'nasty: a directory is no script')
    same(browser.get_log('browser'), [], 'nasty: nothing on the console')
    same(browser.requests(), [], 'nasty: no request')


def test_comparison(browser):
    before = copy.deepcopy(RESULTS)
    wanted = {'list/bitmap/list_add/2/self': 'new failure', 'list/fixed/list_add/2/self': 'fixed',
              'publish-first/publish-first/list_add/2/shootdown': 'still failing',
              'lost/fixed/list_del/1/self': 'no longer known'}
    result_of('list/bitmap/list_add/2/self', before)['status'] = 'pass'
    result_of('list/fixed/list_add/2/self', before)['status'] = 'fail'
    result_of('lost/fixed/list_del/1/self', before)['status'] = 'pass'
    browser.open(report('comparison', RESULTS, baseline=before))
    same(len(browser.all('#changes tr[data-change="new failure"]')), 1, 'comparison: new failures')
    for ident, change in wanted.items():
        number = RESULTS['results'].index(result_of(ident)) + 1
        rows = browser.all(f'#changes tr[data-change="{change}"] a[href="#r{number}"]')
        same(len(rows), 1, f'comparison: {change}: {ident}')
    ok('new' in cell_of(browser, 'list/bitmap/list_add/2/self').text.split(),
       'comparison: the matrix marks the new failure')
    ok(str(SCRATCH / 'comparison/old.json') in browser.one('#changes').text,
       'comparison: it names the baseline')
    other = copy.deepcopy(RESULTS)
    other['scenarios'] = {'other': RESULTS['scenarios']['list']}
    for result in other['results']:
        result['scenario'] = 'other'
    browser.open(report('incomparable', RESULTS, baseline=other))
    ok('no scenario is in both' in browser.one('#changes').text,
       'comparison: that there is nothing to compare is said')


def test_repetitions(browser):
    results = copy.deepcopy(RESULTS)
    again = result_of('list/fixed/list_add/2/self', results)
    number = results['results'].index(again)
    more = [copy.deepcopy(again) for _ in range(20)]
    for nr, result in enumerate(more):
        result['id'] += f'/{nr + 2}'
    more[7].update(status='fail', verdict='fail', text='once in a while')
    results['results'][number + 1:number + 1] = more
    browser.open(report('repetitions', results, baseline=results))
    flaky = browser.all('#changes tr[data-change="flaky"]')
    ok(len(flaky) == 1 and 'list/fixed/list_add/2/self' in flaky[0].text,
       'repetitions: what fails once in a while is flaky')
    cell = browser.one(f'#c{results["results"].index(more[7]) + 1}')
    ok('1 of 21' in cell.text, 'repetitions: one cell, with how many failed')
    cell.click()
    ok('once in a while' in browser.story().text, 'repetitions: it opens the one that failed')
    stories = [story.get_attribute('textContent') for story in browser.all('.story')]
    same(sum('list/fixed/list_add/2/self' in story for story in stories), 2,
         'repetitions: of those that passed one is told')


def many(nr):
    """As many results as that, at 400 points; one in ten is not as expected."""
    results = copy.deepcopy(RESULTS)
    good, bad = (result_of(f'list/{kernel}/list_add/2/self') for kernel in ('fixed', 'bitmap'))
    results['results'] = []
    for i in range(nr):
        place, deliver = i // 12, ('self', 'remote', 'shootdown')[i % 3]
        kernel = ('fixed', 'bitmap', 'publish-first', 'other')[i // 3 % 4]
        result = copy.deepcopy(bad if i % 10 == 3 else good)
        point = f'vmx_vcpu_load_vmcs+{place:#x}'
        result.update(id=f'list/{kernel}/{point}/{deliver}', nr=i + 1, kernel=kernel, point=point,
                      offset=place, deliver=deliver)
        results['results'].append(result)
    return results


def test_many(browser):
    results = many(3000)
    page = report('many', results)
    ok(page.stat().st_size < 7e6, f'3000 crashes: {page.stat().st_size / 1e6:.1f} MB')
    browser.open(page)
    timing = browser.execute_script(
        'return performance.getEntriesByType("navigation")[0].loadEventEnd')
    ok(timing < 15000, f'3000 crashes: loaded in {timing / 1000:.1f} s')
    same(browser.execute_script('return document.querySelectorAll(".matrix td[data-s]").length'),
         3000, '3000 crashes: a cell for each')
    Select(browser.one('[name=status]')).select_by_visible_text('fail')
    same(browser.one('#shown').text, '300 of 3000 crashes', '3000 crashes: the filter works')


def test_left(browser):
    """The results of a sweep that another test has made."""
    left = sorted(BUILD.glob('tests/e2e/*/results.json'))
    if not left:
        ok(True, 'a sweep of another test # SKIP there is none')
        return
    results = json.loads(left[0].read_text())
    browser.open(report('left', results))
    name = left[0].parent.name
    same(browser.execute_script(
        'return [...document.querySelectorAll(".matrix td[data-s]")]'
        '.reduce((sum, td) => sum + Number(td.dataset.n), 0)'), len(results['results']),
        f'{name}: each of its crashes is in a cell')
    cell = browser.one('.matrix td[data-s]')
    cell.find_element(By.TAG_NAME, 'a').click()
    browser.wait(lambda: browser.story() is not None)
    ok('on kernel ' + cell.get_attribute('data-k') in browser.story().text,
       f'{name}: a click shows a story')
    same(browser.get_log('browser'), [], f'{name}: nothing on the browser\'s console')


def refused(name, text, message, *options):
    path = SCRATCH / name
    path.write_bytes(text)
    done = subprocess.run([COMMAND, 'report', *options, '-o', SCRATCH / 'none.html', path],
                          capture_output=True, text=True)
    same((done.returncode, done.stdout), (2, ''), f'{name}: exit status 2')
    ok(re.search(message, done.stderr) and (options or str(path) in done.stderr),
       f'{name}: the message says what and where: {done.stderr.strip()}')


def test_refused():
    text = json.dumps(RESULTS).encode()
    refused('cut', text[:len(text) // 2], r'cut:\d+: ')
    refused('empty', b'', r'empty:\d+: ')
    refused('not-utf8', text.replace(b'crash_point.h', b'crash_p\xf6int.h', 1), r'not-utf8:\d+: unable to decode byte 0xf6')
    refused('other-version', text.replace(b'"version": 1', b'"version": 9', 1), 'another version')
    refused('no-results', b'{"version": 1}', 'no "results"')
    refused('no-status', text.replace(b'"status": "pass"', b'"status": 7', 1), 'without "status"')
    same(sorted(path.name for path in SCRATCH.glob('none*')), [], 'no page, and no part of one')
    refused('other-delivery', text.replace(b'"deliver": "self"', b'"deliver": "pigeon"', 1), 'pigeon')
    now, old = SCRATCH / 'overwrite/now', SCRATCH / 'overwrite/old'
    for directory in (now, old):
        directory.mkdir(parents=True)
        (directory / 'results.json').write_bytes(text)
    for out, results in ((now, now), (now, now / 'results.json'), (old, now)):
        done = subprocess.run([COMMAND, 'report', '-o', out / 'results.json', '--baseline', old, results],
                              capture_output=True, text=True)
        same(done.returncode, 2, f'results are not overwritten: {out.name}')
    ok((now / 'results.json').read_bytes() == (old / 'results.json').read_bytes() == text,
       'they are as they were')


def test_source():
    tree = SCRATCH / 'tree'
    header = tree / 'arch/x86/kvm/vmx/crash_point.h'
    header.parent.mkdir(parents=True)
    header.write_text(''.join(f'\tline_{nr} < &list;\n' for nr in range(1, 100)))
    (SCRATCH / 'outside.c').write_text('outside the tree\n' * 9)
    results = copy.deepcopy(RESULTS)
    boundaries = results['kernels']['fixed']['functions']['vmx_vcpu_load_vmcs']['boundaries']
    boundaries[-1].update(file='../outside.c', line=1)
    boundaries[-2].update(file=str(SCRATCH / 'outside.c'), line=1)
    text = report('source', results, '--source', tree).read_text()
    ok('<code>line_75 &lt; &amp;list;</code>' in text, 'source: its lines are shown, as text')
    ok('outside the tree' not in text, 'source: of what is outside the tree nothing is')
    refused('no-source', json.dumps(RESULTS).encode(), 'nonexistent', '--source', '/nonexistent')


def paths_of(value, path=()):
    """The ways to each value; of a list, to the first two elements."""
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else \
        enumerate(value[:2]) if isinstance(value, list) else ()
    for key, child in items:
        yield from paths_of(child, path + (key,))


def test_types():
    """What is read beside the keys that a comparison needs may be missing, or something else."""
    results = copy.deepcopy(RESULTS)
    results['results'] = [result_of('list/bitmap/list_add/2/self', results)]
    results['kernels'] = {'bitmap': results['kernels']['bitmap'] | {'inputs': {}}}
    results['scenarios'] = {'list': results['scenarios']['list']}
    path, page = SCRATCH / 'types.json', SCRATCH / 'types.html'
    bad, nr, statuses = [], 0, set()
    others = (None, -7, 'word', [[]], {'': None})
    for i, way in enumerate(paths_of(results)):
        for other in others if os.environ.get('FULL') else (others[i % len(others)],):
            changed = copy.deepcopy(results)
            holder = changed
            for key in way[:-1]:
                holder = holder[key]
            holder[way[-1]] = other
            path.write_text(json.dumps(changed))
            done = subprocess.run([COMMAND, 'report', '-o', page, path], capture_output=True, text=True)
            nr += 1
            statuses.add(done.returncode)
            if done.returncode not in (0, 2) or bool(done.stderr) != (done.returncode == 2):
                bad.append((way, other, done.returncode, done.stderr[:200]))
    same(bad, [], f'{nr} results with a value of another type: a page or an error')
    same(statuses, {0, 2}, 'both have been seen')


def test_schema():
    """The results that this test lives on are such as a sweep writes."""
    schema = json.loads((TOP / 'docs/results.schema.json').read_text())
    done = subprocess.run(['/usr/bin/python3', '-W', 'ignore', '-m', 'jsonschema', '-i',
                           TOP / 'tests/report/results.json', TOP / 'docs/results.schema.json'],
                          capture_output=True, text=True)
    same((done.returncode, done.stderr[:500]), (0, ''), 'the results fit their schema')
    known = set(schema['properties']['results']['items']['properties'])
    same(set().union(*RESULTS['results']) - known, set(), 'and have no key that it does not name')


shutil.rmtree(SCRATCH, ignore_errors=True)
SCRATCH.mkdir(parents=True)
for step in (test_schema, test_refused, test_source, test_types):
    step()
with_script = Browser()
try:
    for step in (test_page, test_nasty, test_comparison, test_repetitions, test_many,
                 test_left):
        step(with_script)
finally:
    with_script.quit()
test_without_script()
print(f'1..{facts}')
sys.exit(failed != 0)
