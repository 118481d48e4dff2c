#include "denshid/listen.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "denshid/log.h"
#include "denshid/pool.h"

/* Connections at a time: in all, and of one uid other than root's. */
#define CLIENTS_MAX 1024
#define CLIENTS_OF_UID_MAX 64
#define BACKLOG 4096
/* Taken at a time: who connects without end doesn't keep the others' messages waiting. */
#define ACCEPTS_MAX 64
/* Where half of those are too many: nobody is taken for a moment. They come again at once, and
 * sending them away would be all that this machine does. */
#define PAUSE_MS 5
/* A caller sends its message at once; slower is somebody who only holds the place. */
#define MESSAGE_WITHIN_S 2

struct by_uid {
	uid_t uid;
	unsigned clients;
};

struct listener {
	const struct denshid *shared;
	struct event_base *base;
	struct event *accepting, *resuming;
	struct pool *pool;
	pthread_mutex_t lock; /* of the counts: workers end clients too */
	unsigned clients;
	struct by_uid uids[CLIENTS_MAX];
};

struct client {
	struct listener *listener;
	struct event *event;
	uid_t uid;
};

/* -- counts ------------------------------------------------------------------------ */

/* The uid's place, or a free one; there are as many places as clients. */
static struct by_uid *place(struct listener *l, uid_t uid)
{
	struct by_uid *free_place = NULL;

	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		if (l->uids[i].clients && l->uids[i].uid == uid)
			return &l->uids[i];
		if (!l->uids[i].clients && !free_place)
			free_place = &l->uids[i];
	}
	if (free_place)
		free_place->uid = uid;
	return free_place;
}

static int admit(struct listener *l, uid_t uid)
{
	struct by_uid *p;
	int ok;

	pthread_mutex_lock(&l->lock);
	p = place(l, uid);
	/* The last eighth of the places is root's: nobody shuts logins out. */
	ok = p && l->clients < (uid == 0 ? CLIENTS_MAX : CLIENTS_MAX - CLIENTS_MAX / 8) &&
		(uid == 0 || p->clients < CLIENTS_OF_UID_MAX);
	if (ok) {
		p->clients++;
		l->clients++;
	}
	pthread_mutex_unlock(&l->lock);
	return ok;
}

static void leave(void *context, uid_t uid)
{
	struct listener *l = context;
	struct by_uid *p;

	pthread_mutex_lock(&l->lock);
	p = place(l, uid);
	if (p && p->clients) {
		p->clients--;
		l->clients--;
	}
	pthread_mutex_unlock(&l->lock);
}

/* -- clients -------------------------------------------------------------------------- */

static void refuse(int fd, enum den_code code, const char *arg)
{
	struct den_message *m = den_message_new((uint16_t)code);

	if (!m)
		return;
	den_message_add_string(m, DEN_TAG_ARG, arg);
	(void)den_message_send(fd, m, 0);
	den_message_free(m);
}

/* What a caller has sent: 1, a worker has it and the descriptor now; 0, there is nothing yet; -1, that is all. */
static int take_message(struct listener *l, int fd, uid_t uid)
{
	struct den_message *m = den_message_receive(fd, 0);

	if (!m && errno == ETIMEDOUT)
		return 0;
	if (!m && errno == EBADMSG)
		refuse(fd, DEN_BAD_REQUEST, strerror(errno));
	if (!m)
		return -1;
	if (pool_put(l->pool, fd, uid, m) == 0)
		return 1;
	refuse(fd, DEN_BUSY, NULL);
	den_message_free(m);
	return -1;
}

static void end(struct listener *l, int fd, uid_t uid)
{
	close(fd);
	leave(l, uid);
}

static void on_message(evutil_socket_t fd, short what, void *context)
{
	struct client *c = context;

	if (!(what & EV_READ) || take_message(c->listener, fd, c->uid) != 1)
		end(c->listener, fd, c->uid);
	event_free(c->event);
	free(c);
}

static void await_message(struct listener *l, int fd, uid_t uid)
{
	static const struct timeval patience = {.tv_sec = MESSAGE_WITHIN_S};
	struct client *c = calloc(1, sizeof(*c));

	if (c)
		c->event = event_new(l->base, fd, EV_READ | EV_TIMEOUT, on_message, c);
	if (!c || !c->event) {
		free(c);
		end(l, fd, uid);
		return;
	}
	c->listener = l;
	c->uid = uid;
	event_add(c->event, &patience);
}

/* Most have sent their message by the time they are taken in. */
static void add_client(struct listener *l, int fd, uid_t uid)
{
	switch (take_message(l, fd, uid)) {
	case 0:
		await_message(l, fd, uid);
		break;
	case -1:
		end(l, fd, uid);
		break;
	}
}

/* 0 where there is one too many. */
static int take_in(struct listener *l, int fd)
{
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0 && admit(l, peer.uid)) {
		add_client(l, fd, peer.uid);
		return 1;
	}
	/* What is unread when a socket is closed takes the answer with it. */
	den_message_free(den_message_receive(fd, 0));
	refuse(fd, DEN_BUSY, NULL);
	close(fd);
	return 0;
}

static void on_pause_over(evutil_socket_t fd, short what, void *context)
{
	struct listener *l = context;

	(void)fd;
	(void)what;
	event_add(l->accepting, NULL);
}

static void on_connection(evutil_socket_t listening, short what, void *context)
{
	static const struct timeval pause = {.tv_usec = PAUSE_MS * 1000};
	struct listener *l = context;
	int fd, sent_away = 0;

	(void)what;
	for (int n = 0; n < ACCEPTS_MAX; n++) {
		fd = accept4(listening, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd < 0)
			break;
		sent_away += !take_in(l, fd);
	}
	if (sent_away >= ACCEPTS_MAX / 2 && event_add(l->resuming, &pause) == 0)
		event_del(l->accepting);
}

/* -- the socket -------------------------------------------------------------------------- */

static void address_of(struct sockaddr_un *a, const char *path)
{
	memset(a, 0, sizeof(*a));
	a->sun_family = AF_UNIX;
	if (strlen(path) >= sizeof(a->sun_path))
		log_fatal("socket %s: the path is too long", path);
	memcpy(a->sun_path, path, strlen(path) + 1);
}

/* A socket that nobody answers at is left over; one that answers is another denshid. */
static void remove_leftover(const struct sockaddr_un *a)
{
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0 && (connect(fd, (const struct sockaddr *)a, sizeof(*a)) == 0 || errno == EAGAIN))
		log_fatal("socket %s: another denshid is running", a->sun_path);
	if (fd >= 0)
		close(fd);
	if (unlink(a->sun_path) != 0 && errno != ENOENT)
		log_fatal("socket %s: %s", a->sun_path, strerror(errno));
}

static int open_socket(const char *path)
{
	struct sockaddr_un a;
	mode_t mask;
	int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		log_fatal("socket: %s", strerror(errno));
	address_of(&a, path);
	remove_leftover(&a);
	/* Everybody may ask; who it is, the kernel says. */
	mask = umask(0111);
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || listen(fd, BACKLOG) != 0)
		log_fatal("socket %s: %s", path, strerror(errno));
	umask(mask);
	return fd;
}

struct listener *listener_new(struct event_base *base, const struct denshid *shared)
{
	struct listener *l = calloc(1, sizeof(*l));

	if (!l)
		log_fatal("no memory");
	l->shared = shared;
	l->base = base;
	pthread_mutex_init(&l->lock, NULL);
	l->pool = pool_new(shared, shared->config->workers, leave, l);
	if (!l->pool)
		log_fatal("no workers");
	l->accepting = event_new(base, open_socket(shared->config->socket), EV_READ | EV_PERSIST, on_connection, l);
	l->resuming = event_new(base, -1, 0, on_pause_over, l);
	if (!l->accepting || !l->resuming || event_add(l->accepting, NULL) != 0)
		log_fatal("no event");
	return l;
}

void listener_free(struct listener *l)
{
	close(event_get_fd(l->accepting));
	event_free(l->accepting);
	event_free(l->resuming);
	unlink(l->shared->config->socket);
	/* Workers may still be at work; the process ends next. */
}
