/* SPDX-License-Identifier: GPL-2.0-or-later */
#ifndef TESTS_UNIT_HOST_H
#define TESTS_UNIT_HOST_H

/*
 * A KVM host that crashed, described in text, as the memory that its dump
 * would have: kallsyms, BTF, modules, per-CPU data, loaded-VMCS lists, VMs,
 * VMCS regions, the driver's evidence and the kernel's VMCLEAR log.
 *
 * A line is a statement, "#" begins a comment.  What is not said is as on a
 * healthy host with two CPUs and kvm_intel loaded, without driver and log.
 *
 *   levels 4|5             of page tables; in the first statement
 *   kaslr 0xOFFSET [levels 4|5]       the kernel image and the direct map are moved
 *   cpus N                 possible CPUs 0 to N-1, all online
 *   no kvm_intel | no crash | no types
 *   no xarray              struct kvm has an array of vCPUs, as before Linux 5.17
 *   no kallsyms            vmcoreinfo does not say where they are, as before Linux 6.0
 *   no layouts             struct module has memory areas instead, as from Linux 6.4 on
 *   pcpu_hot               current_task is in struct pcpu_hot, as in Linux 6.2 to 6.14
 *   scan                   its dump is to be searched for VMCS regions
 *   vm NAME [pid P] [comm C] [hidden]        hidden: not in vm_list
 *   vms N                  VMs v0, v1, ... with one launched vCPU each, of the same
 *                          name, on CPUs 0, 1, ... and their lists in turn
 *   vcpu NAME [of VM] [cpu C] [launched] [image I] [revision R] [shadow]
 *        [nested OWNER] [unborn] [tid T] [dropped] [maxphyaddr BITS]
 *        nested: the vmcs02 of vCPU OWNER; unborn: its VM does not have it yet;
 *        dropped: its VMCS region is not in the dump; the host has a MAXPHYADDR of 46
 *   also VM NAME           the VM has the vCPU NAME of another VM too
 *   list C NAME...         the list of CPU C in forward order
 *   add C NAME STORES      the first STORES stores of list_add() to it
 *   del NAME STORES        the first STORES stores of list_del()
 *   next NAME|C VALUE      overwrite ->next of an entry or of a CPU's list head;
 *   prev NAME|C VALUE      VALUE is a NAME, a CPU's number for its head, or 0xHEX
 *   current C NAME         current_vmcs of CPU C
 *   vmxe C                 CPU C is still in VMX operation
 *   offline C              CPU C is possible, but not online
 *   task C PID COMM        what runs on CPU C
 *   nmi C AT               the crash NMI interrupted CPU C at AT, and it saved its registers;
 *                          AT is SYMBOL+0xOFFSET of a few symbols (host.c), or bad: its note
 *                          is damaged
 *   panic C [AT]           CPU C panicked, in an NMI that interrupted it at AT
 *   oops C AT              CPU C crashed at AT
 *   say TEXT               a line of the kernel log, which there is with such lines only
 *   vmxon C [NAME]         CPU C has a VMXON region: its own, or wrongly the VMCS of NAME
 *   orphan NAME [image I] [revision R] [foreign|blank|noise|shadow]
 *                          a VMCS region that nothing points to: of this kernel, of an
 *                          earlier one, as it was allocated, a page of something else with
 *                          the same first word, or a shadow VMCS
 *   revision R|none        what kvm_intel has as the host's VMCS revision id, 0x2b
 *   stale NAME             NAME's VMCS region was never written back since it was set up
 *   gs NAME C              HOST_GS_BASE in it is that of CPU C
 *   page NAME WHAT         the page of NAME's VMCS region, of NAME.shadow or of NAME.loaded is
 *                          "freed" (no reference), "buddy" (in a free block) or "used"
 *   region NAME VALUE      overwrite the VMCS pointer of NAME with that of another, or 0xHEX
 *   log C walk|skipped|vmxoff | log C vmclear NAME [STATUS] [shadow] | log lost | log bad
 *   point P cpu C [state S] [vmptr NAME] [efer VALUE] [old] [sees NAME...] | point bad
 *                          efer: EFER of CPU C there; old: evidence of version 1, without
 *   kvm_amd                instead of kvm_intel: vCPUs have no VMCS
 *   efer C VALUE           a line of the file with EFER after the crash
 */

#include "tests/unit/image.h"
#include "tests/unit/machine.h"

struct host;

/* Ends the program with a message for a line that makes no sense. */
struct host *host_create(const char *text);
void host_destroy(struct host *host);

struct machine *host_machine(const struct host *host);

/* The text of the file with EFER after the crash, NULL: there is none. */
const char *host_efer(const struct host *host);

/* Whether its description says "scan". */
bool host_scan(const struct host *host);

/* The kernel's symbols. */
const struct image *host_image(const struct host *host);

/* Types of the module @module, or of the kernel for NULL, as for image_btf(). */
void host_types(const struct host *host, const char *module, char *ret, size_t size);

/* Address of the struct module of @name. */
uint64_t host_module(const struct host *host, const char *name);

/* Virtual address of a symbol of the kernel, in its kallsyms or in vmcoreinfo. */
uint64_t host_symbol(const struct host *host, const char *name);

/* Physical address of the VMCS region of @name, or of its shadow VMCS for "NAME.shadow". */
uint64_t host_vmcs(const struct host *host, const char *name);

#endif
