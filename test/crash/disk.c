/*
 * The disk as a test wants it: loaded with LD_PRELOAD into the server, it stands between the process and the files of its data directory.
 *
 * - DISK_LOG: every write, truncation, creation, renaming and removal, and the start and end of every sync, is appended to this file in the
 *   order in which they happened. DISK_DIE_AFTER: after so many records the process kills itself, between two of them.
 * - DISK_FAULTS: a page of memory shared with the test. Rules in it, one a line ("sync EIO -wal"), make calls fail on files whose path
 *   contains the last word; `room` is how many bytes files may still grow by, when it is not negative.
 *
 * Memory-mapped files (-shm) are not seen: what is in them is never needed after a crash.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/uio.h>
#include <unistd.h>

#define MAX_FILES 65536
#define REAL(name) ((__typeof__(&name))real(#name))

/* As disk-log.ts and disk-faults.ts read and write them. */
struct record { uint32_t kind, file; uint64_t offset; uint32_t length, extra; };
struct faults { char rules[2048]; int64_t room; int64_t shown_room; };

static pthread_mutex_t order = PTHREAD_MUTEX_INITIALIZER;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static const char *folder;
static size_t folder_length;
static int log_file = -1;
static long records_left = -1;
static uint32_t last_file, last_sync;
static uint32_t files[MAX_FILES]; /* number of the file that a descriptor stands for; 0: none of ours */
static ino_t inodes[MAX_FILES];
static char *paths[MAX_FILES];
static char in_step[MAX_FILES]; /* opened with O_SYNC or O_DSYNC */
static struct faults *faults;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void begin(void) {
  folder = getenv("DISK_FOLDER");
  if (!folder) return;
  folder_length = strlen(folder);
  if (getenv("DISK_LOG")) log_file = REAL(open)(getenv("DISK_LOG"), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);
  if (getenv("DISK_DIE_AFTER")) records_left = atol(getenv("DISK_DIE_AFTER"));
  if (getenv("DISK_FAULTS")) {
    int file = REAL(open)(getenv("DISK_FAULTS"), O_RDWR | O_CLOEXEC);
    faults = mmap(NULL, sizeof *faults, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    if (faults == MAP_FAILED) abort();
  }
}

/** Relative to the folder; NULL for a path outside of it. */
static const char *inside(const char *path) {
  pthread_once(&once, begin);
  if (!folder || !path || strncmp(path, folder, folder_length)) return NULL;
  if (path[folder_length] == 0) return "";
  return path[folder_length] == '/' ? path + folder_length + 1 : NULL;
}

/** Not every file is closed through close(): a descriptor may have come to stand for something else. */
static int is_ours(int fd) {
  struct stat now;
  return fd >= 0 && fd < MAX_FILES && files[fd] && !fstat(fd, &now) && now.st_ino == inodes[fd] && !S_ISSOCK(now.st_mode);
}

/** One system call, so that records of the test between ours stay whole. */
static void append_parts(struct record record, const struct iovec *data, int count) {
  if (log_file < 0) return;
  struct iovec parts[IOV_MAX + 1] = {{&record, sizeof record}};
  size_t left = record.length;
  int used = 1;
  for (int i = 0; i < count && left > 0; i++) {
    parts[used] = data[i];
    if (parts[used].iov_len > left) parts[used].iov_len = left;
    left -= parts[used++].iov_len;
  }
  /* The system takes IOV_MAX parts at once: the last two become one. */
  char *joined = NULL;
  if (used > IOV_MAX) {
    struct iovec *last = &parts[--used], *before = last - 1;
    joined = malloc(before->iov_len + last->iov_len);
    memcpy(joined, before->iov_base, before->iov_len);
    memcpy(joined + before->iov_len, last->iov_base, last->iov_len);
    *before = (struct iovec){joined, before->iov_len + last->iov_len};
  }
  if (REAL(writev)(log_file, parts, used) != (ssize_t)(sizeof record + record.length)) abort();
  free(joined);
  if (records_left > 0 && --records_left == 0) kill(getpid(), SIGKILL);
}

static void append(uint32_t kind, uint32_t file, uint64_t offset, uint32_t extra, const void *data, uint32_t length) {
  struct iovec part = {(void *)data, length};
  append_parts((struct record){kind, file, offset, length, extra}, &part, 1);
}

/** The error that the test wants for this call on this file, or 0. */
static int fault(const char *call, const char *path) {
  if (!faults) return 0;
  char name[16], code[16], part[256];
  for (const char *line = faults->rules; *line; ) {
    if (sscanf(line, "%15s %15s %255s", name, code, part) == 3 && !strcmp(name, call) && strstr(path, part))
      return strcmp(code, "ENOSPC") ? EIO : ENOSPC;
    line = strchr(line, '\n');
    if (!line++) break;
  }
  return 0;
}

/** Takes room for a write that makes its file longer. */
static int grow(int fd, int64_t end) {
  struct stat now;
  if (!faults || faults->room < 0 || fstat(fd, &now) || end <= now.st_size) return 0;
  if (end - now.st_size > faults->room) return ENOSPC;
  faults->room -= end - now.st_size;
  return 0;
}

static int opened(int fd, const char *path, int flags) {
  const char *name = inside(path);
  struct stat now;
  if (fd < 0 || fd >= MAX_FILES) return fd;
  files[fd] = 0;
  if (!name || strstr(name, "-shm") || fstat(fd, &now)) return fd;
  inodes[fd] = now.st_ino;
  free(paths[fd]);
  paths[fd] = strdup(name);
  in_step[fd] = flags & O_DSYNC ? 1 : 0;
  files[fd] = ++last_file;
  uint32_t how = (flags & O_CREAT ? 1 : 0) | (flags & O_TRUNC ? 2 : 0);
  append('o', files[fd], 0, how, name, strlen(name));
  return fd;
}

#define OPEN(real_open) \
  mode_t mode = 0; \
  if (flags & (O_CREAT | O_TMPFILE)) { va_list rest; va_start(rest, flags); mode = va_arg(rest, mode_t); va_end(rest); } \
  inside(path); \
  pthread_mutex_lock(&order); \
  int fd = opened(real_open, path, flags); \
  int error = errno; \
  pthread_mutex_unlock(&order); \
  errno = error; \
  return fd;

int open(const char *path, int flags, ...) { OPEN(REAL(open)(path, flags, mode)) }
int open64(const char *path, int flags, ...) { OPEN(REAL(open64)(path, flags, mode)) }
int openat(int at, const char *path, int flags, ...) { OPEN(REAL(openat)(at, path, flags, mode)) }
int openat64(int at, const char *path, int flags, ...) { OPEN(REAL(openat64)(at, path, flags, mode)) }

static ssize_t write_parts(int fd, const struct iovec *parts, int count, off64_t offset) {
  int64_t length = 0;
  for (int i = 0; i < count; i++) length += parts[i].iov_len;
  pthread_mutex_lock(&order);
  int error = fault("write", paths[fd]);
  if (!error) error = grow(fd, offset + length);
  ssize_t written = -1;
  if (!error) {
    written = REAL(pwritev64)(fd, parts, count, offset);
    error = errno;
  }
  if (written > 0) append_parts((struct record){'w', files[fd], offset, written, in_step[fd]}, parts, count);
  pthread_mutex_unlock(&order);
  errno = error;
  return written;
}

static ssize_t write_here(int fd, const struct iovec *parts, int count) {
  off64_t offset = lseek64(fd, 0, SEEK_CUR);
  ssize_t written = write_parts(fd, parts, count, offset);
  if (written > 0) lseek64(fd, offset + written, SEEK_SET);
  return written;
}

ssize_t pwritev64(int fd, const struct iovec *parts, int count, off64_t offset) {
  return is_ours(fd) ? write_parts(fd, parts, count, offset) : REAL(pwritev64)(fd, parts, count, offset);
}
ssize_t pwritev(int fd, const struct iovec *parts, int count, off_t offset) { return pwritev64(fd, parts, count, offset); }
ssize_t pwrite64(int fd, const void *data, size_t length, off64_t offset) {
  if (!is_ours(fd)) return REAL(pwrite64)(fd, data, length, offset);
  struct iovec part = {(void *)data, length};
  return write_parts(fd, &part, 1, offset);
}
ssize_t pwrite(int fd, const void *data, size_t length, off_t offset) { return pwrite64(fd, data, length, offset); }
ssize_t writev(int fd, const struct iovec *parts, int count) {
  return is_ours(fd) ? write_here(fd, parts, count) : REAL(writev)(fd, parts, count);
}
ssize_t write(int fd, const void *data, size_t length) {
  if (!is_ours(fd)) return REAL(write)(fd, data, length);
  struct iovec part = {(void *)data, length};
  return write_here(fd, &part, 1);
}

#define READ(call) \
  int error = is_ours(fd) ? fault("read", paths[fd]) : 0; \
  if (error) { errno = error; return -1; } \
  return call;

ssize_t pread64(int fd, void *into, size_t length, off64_t offset) { READ(REAL(pread64)(fd, into, length, offset)) }
ssize_t pread(int fd, void *into, size_t length, off_t offset) { return pread64(fd, into, length, offset); }
ssize_t preadv64(int fd, const struct iovec *parts, int count, off64_t offset) { READ(REAL(preadv64)(fd, parts, count, offset)) }
ssize_t preadv(int fd, const struct iovec *parts, int count, off_t offset) { return preadv64(fd, parts, count, offset); }

int ftruncate64(int fd, off64_t size) {
  if (!is_ours(fd)) return REAL(ftruncate64)(fd, size);
  pthread_mutex_lock(&order);
  int result = REAL(ftruncate64)(fd, size);
  if (!result) append('t', files[fd], size, 0, NULL, 0);
  pthread_mutex_unlock(&order);
  return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }

static int sync_file(int fd, int (*sync)(int)) {
  pthread_mutex_lock(&order);
  uint32_t file = files[fd], number = ++last_sync;
  int error = fault("sync", paths[fd]);
  append('s', file, 0, number, NULL, 0);
  pthread_mutex_unlock(&order);
  if (error) { errno = error; return -1; }
  int result = sync(fd);
  pthread_mutex_lock(&order);
  if (!result) append('e', file, 0, number, NULL, 0);
  pthread_mutex_unlock(&order);
  return result;
}
int fsync(int fd) { return is_ours(fd) ? sync_file(fd, REAL(fsync)) : REAL(fsync)(fd); }
int fdatasync(int fd) { return is_ours(fd) ? sync_file(fd, REAL(fdatasync)) : REAL(fdatasync)(fd); }

int rename(const char *from, const char *to) {
  const char *before = inside(from), *after = inside(to);
  if (!before || !after) return REAL(rename)(from, to);
  char names[8192];
  int length = snprintf(names, sizeof names, "%s%c%s", before, 0, after);
  pthread_mutex_lock(&order);
  int result = REAL(rename)(from, to);
  if (!result) append('r', 0, 0, 0, names, length);
  pthread_mutex_unlock(&order);
  return result;
}

int unlink(const char *path) {
  const char *name = inside(path);
  if (!name) return REAL(unlink)(path);
  struct stat before;
  pthread_mutex_lock(&order);
  int known = !stat(path, &before);
  int result = REAL(unlink)(path);
  if (!result) {
    if (known && faults && faults->room >= 0) faults->room += before.st_size;
    if (!strstr(name, "-shm")) append('u', 0, 0, 0, name, strlen(name));
  }
  pthread_mutex_unlock(&order);
  return result;
}

/* The watch on free space is told what the test says. */
static void show_room(struct statfs *about) {
  pthread_once(&once, begin);
  if (faults && faults->shown_room >= 0) about->f_bavail = faults->shown_room / about->f_bsize;
}
int statfs(const char *path, struct statfs *about) {
  int result = REAL(statfs)(path, about);
  if (!result) show_room(about);
  return result;
}
int statfs64(const char *path, struct statfs64 *about) {
  int result = REAL(statfs64)(path, about);
  if (!result) show_room((struct statfs *)about);
  return result;
}
