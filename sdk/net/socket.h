/* socket.h: of a socket that somebody else made. */
#ifndef EP_SOCKET_H
#define EP_SOCKET_H

void ep_socket_tune(int fd); /* Nagle off, keepalive and time-out as for ours */
void ep_socket_cut(int fd);  /* nothing goes or comes any more; its owner notices, and closes it */

#endif
