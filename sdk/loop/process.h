/* process.h: which boot, which process: what tells a live owner of a file from a dead one. */
#ifndef EP_PROCESS_H
#define EP_PROCESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

/* The identifier of this boot of the system; false where there is none to read. */
bool ep_boot_id(char out[40]);
/* When the process started, in clock ticks since boot (proc(5), stat, field 22); 0: no such
 * process, or it cannot be seen. Together with the boot and the pid it names a process for ever. */
uint64_t ep_process_start(pid_t pid);
/* Whether the process that had this pid and this start still runs (a zombie does not). */
bool ep_process_alive(pid_t pid, uint64_t start_ticks);
/* The pid namespace, as "pid:[4026531836]": a pid means something only inside of it. */
bool ep_pid_namespace(char out[32]);
/* Writing to what the other side has closed is an error and does not end the process, unless somebody has said what the
 * signal does. */
void ep_process_ignore_sigpipe(void);

#endif
