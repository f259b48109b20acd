// SPDX-License-Identifier: GPL-2.0-or-later
#include "inject/snapshot/preload/server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "inject/snapshot/preload/emulator.h"

/* CPU time between looks at the budget, microseconds. */
#define WATCH_INTERVAL	20000
/* Jobs at a time; the host command asks for far fewer. */
#define MAX_CHILDREN	64
#define MAX_FD		1024

static struct snapshot_setup setup;
static int server = -1;		/* socket to the host command */

/* This process' file descriptors that each job has its own of; -1: none. */
static int shared_fd[SNAPSHOT_NR_FDS] = { -1, -1, -1, -1, -1 };
static int boot_image_fd = -1;

/* Of a child. */
static struct snapshot_job job;
static int job_fd[SNAPSHOT_NR_FDS] = { -1, -1, -1, -1, -1 };
static uint64_t job_end_ticks;

static struct {
	pid_t pid;
	int result;
} children[MAX_CHILDREN];

/*
 * Memory of this process alone, KiB: a page is counted when it was first
 * written, in a child as the fork's copy of its parent's. An upper bound, but
 * it costs nothing.
 */
static uint64_t private_memory(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt * (SNAPSHOT_PAGE_SIZE / 1024);
}

static void send_event(int fd, enum snapshot_event_type type, int status, const char *text)
{
	struct snapshot_event event = {
		.type = type, .status = status,
		.ticks = emulator_ticks(), .private_kib = private_memory(),
	};

	if (text)
		snprintf(event.text, sizeof(event.text), "%s", text);
	/* Whoever is gone does not want to know. */
	if (send(fd, &event, sizeof(event), MSG_NOSIGNAL) < 0)
		return;
}

bool job_is_running(void)
{
	return job_fd[SNAPSHOT_FD_RESULT] >= 0;
}

enum snapshot_path job_path(void)
{
	return job.path;
}

int job_core(void)
{
	return job_fd[SNAPSHOT_FD_CORE];
}

void job_report(enum snapshot_event_type type, const char *text)
{
	send_event(job_fd[SNAPSHOT_FD_RESULT], type, 0, text);
}

void job_end(void)
{
	/* Not exit(3): Bochs would remove files that its parent still uses. */
	_exit(0);
}

void server_init(int fd)
{
	server = fd;
	fcntl(server, F_SETFD, FD_CLOEXEC);
	if (recv(server, &setup, sizeof(setup), 0) != sizeof(setup))
		_exit(1);
	emulator_init(setup.memory, setup.ips);
}

static bool is_connected_to(int fd, uint16_t port)
{
	struct sockaddr_in peer;
	socklen_t size = sizeof(peer);

	return !getpeername(fd, (struct sockaddr *)&peer, &size) &&
	       peer.sin_family == AF_INET && ntohs(peer.sin_port) == port;
}

static bool is_file(const struct stat *st, const char *path)
{
	struct stat other;

	return !stat(path, &other) && st->st_dev == other.st_dev && st->st_ino == other.st_ino;
}

/* Bochs does not tell which files it has open, but the system does. */
static void find_shared_fds(void)
{
	for (int fd = 0; fd < MAX_FD; fd++) {
		struct stat st;

		if (fd == server || fstat(fd, &st))
			continue;
		if (S_ISSOCK(st.st_mode) && is_connected_to(fd, setup.console_port))
			shared_fd[SNAPSHOT_FD_CONSOLE] = fd;
		else if (S_ISSOCK(st.st_mode) && is_connected_to(fd, setup.agent_port))
			shared_fd[SNAPSHOT_FD_AGENT] = fd;
		else if (S_ISREG(st.st_mode) && is_file(&st, setup.log))
			shared_fd[SNAPSHOT_FD_LOG] = fd;
		else if (S_ISREG(st.st_mode) && is_file(&st, setup.boot_image))
			boot_image_fd = fd;
	}
}

/*
 * Bochs looks for input at the baud rate. Nobody types in a snapshot: not to ask
 * the system each time saves a job 5 % of its time.
 */
int server_select(int nr, fd_set *read, fd_set *write, fd_set *except,
		  struct timeval *timeout) IN_FRONT_OF(select);

int server_select(int nr, fd_set *read, fd_set *write, fd_set *except,
		  struct timeval *timeout)
{
	struct timespec wait = {};

	if (job_is_running() && read && !write && !except && nr > 0 &&
	    ((nr - 1 == shared_fd[SNAPSHOT_FD_CONSOLE] && FD_ISSET(nr - 1, read)) ||
	     (nr - 1 == shared_fd[SNAPSHOT_FD_AGENT] && FD_ISSET(nr - 1, read)))) {
		FD_ZERO(read);
		return 0;
	}
	if (timeout)
		TIMEVAL_TO_TIMESPEC(timeout, &wait);
	return pselect(nr, read, write, except, timeout ? &wait : NULL, NULL);
}

/* Put @file, which may be the same, in the place of @fd. */
static void replace_fd(int file, int fd)
{
	if (file < 0 || fd < 0)
		return;
	dup2(file, fd);
	close(file);
}

/* Positions in files are shared by all forks; so are sockets and the terminal. */
static void separate_files(void)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", boot_image_fd);
	replace_fd(open(path, O_RDONLY | O_CLOEXEC), boot_image_fd);
	for (int i = SNAPSHOT_FD_CONSOLE; i <= SNAPSHOT_FD_LOG; i++)
		replace_fd(job_fd[i], shared_fd[i]);
	for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
		replace_fd(open("/dev/null", O_RDWR | O_CLOEXEC), fd);
}

/*
 * A guest that hangs is ended by what it has executed, not by a clock that goes
 * slower or faster with what else this machine does; one whose job nobody waits
 * for any more, at once.
 */
static void watch(int signal)
{
	struct pollfd result = { .fd = job_fd[SNAPSHOT_FD_RESULT] };
	int saved = errno;

	(void)signal;
	if (poll(&result, 1, 0) == 1 && result.revents)
		_exit(0);
	if (emulator_ticks() > job_end_ticks) {
		job_report(SNAPSHOT_EVENT_BUDGET, NULL);
		_exit(0);
	}
	errno = saved;
}

static void start_watch(void)
{
	struct sigaction action = { .sa_handler = watch, .sa_flags = SA_RESTART };
	struct itimerval interval = {
		.it_interval.tv_usec = WATCH_INTERVAL,
		.it_value.tv_usec = WATCH_INTERVAL,
	};

	sigaction(SIGPROF, &action, NULL);
	setitimer(ITIMER_PROF, &interval, NULL);
}

static void become_child(struct snapshot_page *page, pid_t parent)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (getppid() != parent)
		_exit(0);
	close(server);
	for (size_t i = 0; i < MAX_CHILDREN; i++)
		if (children[i].pid)
			close(children[i].result);
	signal(SIGCHLD, SIG_DFL);
	separate_files();
	job_end_ticks = emulator_ticks() + job.budget;
	memcpy(page->job, job.text, sizeof(page->job));
	start_watch();
}

/* Return: a job has come, with all its files. False: the host command is gone. */
static bool receive_job(void)
{
	union {
		struct cmsghdr align;
		char data[CMSG_SPACE(sizeof(job_fd))];
	} control;
	struct iovec data = { .iov_base = &job, .iov_len = sizeof(job) };
	struct msghdr message = {
		.msg_iov = &data, .msg_iovlen = 1,
		.msg_control = &control, .msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(server, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *files = CMSG_FIRSTHDR(&message);

	if (length != sizeof(job) || !files || files->cmsg_type != SCM_RIGHTS ||
	    files->cmsg_len != CMSG_LEN(sizeof(job_fd)))
		return false;
	memcpy(job_fd, CMSG_DATA(files), sizeof(job_fd));
	job.text[sizeof(job.text) - 1] = '\0';
	return true;
}

/* The child has its files; the server keeps the socket to tell of its end. */
static void keep_child(pid_t pid, size_t slot)
{
	children[slot].pid = pid;
	children[slot].result = job_fd[SNAPSHOT_FD_RESULT];
	send_event(children[slot].result, SNAPSHOT_EVENT_FORKED, pid, NULL);
}

static void forget_files(int first)
{
	for (int i = first; i < SNAPSHOT_NR_FDS; i++)
		close(job_fd[i]);
	for (int i = 0; i < SNAPSHOT_NR_FDS; i++)
		job_fd[i] = -1;
}

static size_t find_slot(void)
{
	size_t slot = 0;

	while (slot < MAX_CHILDREN && children[slot].pid)
		slot++;
	return slot;
}

/* Return: in the child. */
static bool take_job(struct snapshot_page *page)
{
	size_t slot = find_slot();
	pid_t parent = getpid(), pid = -1;

	if (slot < MAX_CHILDREN)
		pid = fork();
	if (!pid) {
		become_child(page, parent);
		return true;
	}
	if (pid > 0) {
		keep_child(pid, slot);
		forget_files(SNAPSHOT_FD_CONSOLE);
		return false;
	}
	send_event(job_fd[SNAPSHOT_FD_RESULT], SNAPSHOT_EVENT_FAILED, 0,
		   "emulator: cannot fork: too many jobs, or too little memory");
	forget_files(SNAPSHOT_FD_RESULT);
	return false;
}

static void reap_children(void)
{
	for (size_t i = 0; i < MAX_CHILDREN; i++) {
		int status;

		if (!children[i].pid || waitpid(children[i].pid, &status, WNOHANG) <= 0)
			continue;
		send_event(children[i].result, SNAPSHOT_EVENT_ENDED, status, NULL);
		close(children[i].result);
		children[i].pid = 0;
	}
}

static void note_child(int signal)
{
	(void)signal;
}

void server_run(uint64_t pa)
{
	struct sigaction action = { .sa_handler = note_child };
	struct snapshot_page *page = (struct snapshot_page *)guest_page(pa);
	sigset_t blocked, open_set;

	if (!page || page->magic != SNAPSHOT_PAGE_MAGIC) {
		send_event(server, SNAPSHOT_EVENT_FAILED, 0, "the guest's page for jobs is not there");
		return;
	}
	sigemptyset(&blocked);
	sigaddset(&blocked, SIGCHLD);
	sigprocmask(SIG_BLOCK, &blocked, &open_set);
	sigaction(SIGCHLD, &action, NULL);
	find_shared_fds();
	/* What is buffered now would be written by each child. */
	fflush(NULL);
	send_event(server, SNAPSHOT_EVENT_READY, 0, NULL);
	for (;;) {
		struct pollfd fd = { .fd = server, .events = POLLIN };
		int ready = ppoll(&fd, 1, NULL, &open_set);

		reap_children();
		if (ready != 1)
			continue;
		if (!receive_job())
			_exit(0);
		if (take_job(page))
			break;
	}
	sigprocmask(SIG_SETMASK, &open_set, NULL);
}
