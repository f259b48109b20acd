/* SPDX-License-Identifier: GPL-2.0-or-later */
'use strict';
(() => {
	/* All that can be done without the script is: links to the stories, which CSS shows. */
	const filter = document.getElementById('filter');
	const shown = document.getElementById('shown');
	const cells = [...document.querySelectorAll('.matrix td[data-s]')].map((td) => {
		const row = td.parentNode, scenario = row.closest('.scenario'), link = td.firstChild;
		return {
			td, row, scenario, link, visible: true,
			kernel: td.dataset.k, delivery: td.dataset.d, status: td.dataset.s,
			crashes: Number(td.dataset.n), name: scenario.dataset.scenario,
			text: (row.cells[0].textContent + ' ' + row.cells[1].textContent + ' ' + link.title +
				' ' + td.textContent).toLowerCase(),
		};
	});
	const total = cells.reduce((sum, cell) => sum + cell.crashes, 0);
	const isBad = (status) => status !== 'pass' && status !== 'skip';
	let opener = null, openCell = null, current = null;

	function matches(cell, wanted) {
		return (!wanted.scenario || cell.name === wanted.scenario) &&
			(!wanted.kernel || cell.kernel === wanted.kernel) &&
			(!wanted.delivery || cell.delivery === wanted.delivery) &&
			(!wanted.status || cell.status === wanted.status ||
				(wanted.status === 'bad' && isBad(cell.status))) &&
			(!wanted.text || cell.text.includes(wanted.text));
	}

	function applyFilter() {
		const wanted = {};
		for (const [name, value] of new FormData(filter))
			wanted[name] = name === 'text' ? value.trim().toLowerCase() : value;
		const any = Object.values(wanted).some((value) => value);
		const rows = new Set(), scenarios = new Set();
		let nr = 0;
		for (const cell of cells) {
			cell.visible = matches(cell, wanted);
			if (!cell.visible)
				continue;
			nr += cell.crashes;
			rows.add(cell.row);
			scenarios.add(cell.scenario);
		}
		for (const cell of cells) {
			cell.td.classList.toggle('off', !cell.visible);
			cell.row.hidden = !rows.has(cell.row);
			cell.scenario.hidden = !scenarios.has(cell.scenario);
			if (any && cell.visible)
				cell.scenario.open = true;
		}
		shown.textContent = nr + ' of ' + total + ' crashes';
	}

	/* One cell is in the tab order; arrow keys choose which. */
	function makeCurrent(cell, focus) {
		if (current)
			current.link.tabIndex = -1;
		current = cell;
		cell.link.tabIndex = 0;
		if (focus) {
			cell.scenario.open = true;
			cell.link.focus();
		}
	}

	function moveTo(row, column, step) {
		const rows = [...document.querySelectorAll('.matrix tbody tr')];
		for (let i = rows.indexOf(row) + step; i >= 0 && i < rows.length; i += step) {
			const found = cells.find((cell) => cell.visible && cell.row === rows[i] &&
				cell.td.cellIndex === column) || cells.find((cell) => cell.visible &&
				cell.row === rows[i]);
			if (found)
				return makeCurrent(found, true);
		}
	}

	function arrow(key, cell) {
		const at = cells.indexOf(cell);
		const step = { ArrowLeft: -1, ArrowRight: 1 }[key];
		if (!step)
			return moveTo(cell.row, cell.td.cellIndex, key === 'ArrowUp' ? -1 : 1);
		for (let i = at + step; i >= 0 && i < cells.length; i += step)
			if (cells[i].visible)
				return makeCurrent(cells[i], true);
	}

	function open(cell) {
		makeCurrent(cell, false);
		opener = cell.link;
		location.hash = cell.link.hash;
	}

	/* The next one that is not as expected, from where the reader is; round at the end. */
	function nextBad(step) {
		const bad = cells.filter((cell) => cell.visible && isBad(cell.status));
		const at = cells.indexOf(openCell || current);
		if (!bad.length)
			return;
		const ahead = step > 0 ? bad.find((cell) => cells.indexOf(cell) > at) :
			bad.filter((cell) => cells.indexOf(cell) < at).pop();
		open(ahead || (step > 0 ? bad[0] : bad[bad.length - 1]));
	}

	function close() {
		const x = scrollX, y = scrollY, back = opener;
		const cell = openCell && openCell.link;
		location.hash = cell ? cell.id : 'matrix';
		scrollTo(x, y);
		if (back || cell)
			(back || cell).focus({ preventScroll: true });
	}

	function followHash() {
		const story = document.querySelector('.story:target');
		if (openCell)
			openCell.td.classList.remove('open');
		openCell = story && cells.find((cell) => cell.link.hash === location.hash);
		if (openCell)
			openCell.td.classList.add('open');
		if (!story) {
			opener = null;
			return;
		}
		story.closest('.sheet').scrollTop = 0;
		story.focus({ preventScroll: true });
	}

	document.addEventListener('click', (event) => {
		const link = event.target.closest('a');
		if (!link)
			return;
		if (link.closest('.close')) {
			event.preventDefault();
			close();
		} else if (link.hash.startsWith('#r')) {
			const cell = cells.find((one) => one.link === link);
			opener = link;
			if (cell)
				makeCurrent(cell, false);
		}
	});
	document.addEventListener('keydown', (event) => {
		if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest('.filter'))
			return;
		const cell = cells.find((one) => one.link === document.activeElement);
		if (event.key === 'Escape' && document.querySelector('.story:target'))
			close();
		else if (event.key.startsWith('Arrow') && cell)
			arrow(event.key, cell);
		else if (event.key === 'n' || event.key === 'p')
			nextBad(event.key === 'n' ? 1 : -1);
		else
			return;
		event.preventDefault();
	});
	for (const type of ['input', 'change'])
		filter.addEventListener(type, applyFilter);
	filter.addEventListener('submit', (event) => event.preventDefault());
	filter.addEventListener('reset', () => setTimeout(applyFilter));
	addEventListener('hashchange', followHash);

	for (const cell of cells)
		cell.link.tabIndex = -1;
	if (cells.length)
		makeCurrent(cells[0], false);
	filter.hidden = false;
	for (const keys of document.querySelectorAll('.keys'))
		keys.hidden = false;
	applyFilter();
	followHash();
})();
