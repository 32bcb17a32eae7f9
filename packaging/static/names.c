/* Linked into the static build of the command by scripts/dist.sh, and into nothing else.
 *
 * A static glibc finds /etc/hosts and DNS without any library. But where /etc/nsswitch.conf names other sources, such as
 * `resolve` or `mdns4`, it would load their libraries, which belong to another glibc: that of the machine it runs on.
 * So the sources are always these two. */

#include <nss.h>

__attribute__((constructor)) static void use_files_and_dns(void) { __nss_configure_lookup("hosts", "files dns"); }
