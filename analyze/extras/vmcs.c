// SPDX-License-Identifier: GPL-2.0-or-later
/*
 * crash(8) extension with the command "vmcs": the loaded-VMCS list of each CPU
 * and the VMCSes of each vCPU, read with crash's own symbols, types and page
 * tables.  What goes wrong ends the command, as in crash's own commands.
 */
#include <crash/defs.h>

/* Bounds that no host reaches: a damaged list need not come to an end. */
#define MAX_LISTED	(4 * 65536)
#define MAX_VMS		65536
#define MAX_VCPUS	4096

/* Revision ids of those that keep the launch state in the u32 at byte 8. */
#define REVISION_BOCHS		0x2b
#define REVISION_KVM_VMCS12	0x11e57ed0
#define REVISION_SHADOW_BIT	(1U << 31)

static void cmd_vmcs(void);

static char *help_vmcs[] = {
	"vmcs",
	"VMCSes of a KVM host with Intel CPUs",
	" ",
	"  This command shows each VMCS that KVM has on a CPU or in a vCPU. It needs the",
	"  debug information of kvm and kvm_intel (see \"help mod\").",
	"",
	"  The first word of a line tells what it is; a program can read it:",
	"",
	"    list CPU INDEX VMCS STATE SHADOW SHADOW-STATE LOADED LAUNCHED",
	"    end CPU HOW",
	"    vcpu VM VCPU KIND VMCS STATE SHADOW SHADOW-STATE LOADED LAUNCHED PID TID COMM",
	"",
	"  list is an entry of that CPU's loaded_vmcss_on_cpu in forward order, as the",
	"  crash path walks it; end tells how that walk ended: complete, uninitialised,",
	"  loop, wild-pointer or too-long; vcpu is a VMCS of a vCPU, in the order of",
	"  vm_list.",
	"",
	"    INDEX         place on the list, from 0",
	"    VM            place on vm_list, from 0",
	"    KIND          vmcs01, or vmcs02, which runs a nested guest",
	"    VMCS          physical address of the VMCS region",
	"    STATE         launch state in the region: clear, launched, ? if it is neither,",
	"                  - if the revision id is not that of Bochs or of KVM",
	"    SHADOW        physical address of the shadow VMCS, - for none",
	"    SHADOW-STATE  its launch state",
	"    LOADED        loaded_vmcs.cpu; -1: on no CPU",
	"    LAUNCHED      loaded_vmcs.launched: yes or no",
	"    PID, COMM     process of the VM; COMM may have blanks",
	"    TID           thread that last ran the vCPU; 0, and COMM -, if none has",
	"\nEXAMPLE",
	"  A guest on CPU 1 whose VMCS was not VMCLEARed:\n",
	"    crash> extend vmcs.so",
	"    crash> mod -s kvm",
	"    crash> mod -s kvm_intel",
	"    crash> vmcs",
	"    end 0 complete",
	"    list 1 0 0x17886000 launched - - 1 yes",
	"    end 1 complete",
	"    vcpu 0 0 vmcs01 0x17886000 launched - - 1 yes 44 44 guest",
	NULL
};

static struct command_table_entry command_table[] = {
	{ "vmcs", cmd_vmcs, help_vmcs, 0 },
	{ NULL, NULL, NULL, 0 }
};

static void __attribute__((constructor)) vmcs_init(void)
{
	register_extension(command_table);
}

static long offset_of(char *type, char *member)
{
	long offset = MEMBER_OFFSET(type, member);

	if (offset < 0)
		error(FATAL, "no %s.%s: load the debug information with \"mod -s kvm\" and \"mod -s kvm_intel\"\n",
		      type, member);
	return offset;
}

static ulong symbol_of(char *module, char *symbol)
{
	ulong value = symbol_value_module(symbol, module);

	if (!value)
		error(FATAL, "no symbol %s: \"mod -s %s\" first; if \"mod\" does not list that module, the host has no VMCS\n",
		      symbol, module);
	return value;
}

static ulong read_pointer(ulong addr, char *what)
{
	ulong value;

	readmem(addr, KVADDR, &value, sizeof(value), what, FAULT_ON_ERROR);
	return value;
}

static int read_int(ulong addr, char *what)
{
	int value;

	readmem(addr, KVADDR, &value, sizeof(value), what, FAULT_ON_ERROR);
	return value;
}

static const char *launch_state(physaddr_t vmcs)
{
	unsigned int word[3];

	if (!readmem(vmcs, PHYSADDR, word, sizeof(word), "VMCS region", QUIET | RETURN_ON_ERROR))
		return "-";
	word[0] &= ~REVISION_SHADOW_BIT;
	if (word[0] != REVISION_BOCHS && word[0] != REVISION_KVM_VMCS12)
		return "-";
	return !word[2] ? "clear" : word[2] == 1 ? "launched" : "?";
}

/* The columns of a VMCS region: where it is and its launch state. */
static void print_region(ulong va)
{
	physaddr_t pa;

	if (!va)
		fprintf(fp, " - -");
	else if (!kvtop(NULL, va, &pa, 0))
		error(FATAL, "no physical address for the VMCS at %lx\n", va);
	else
		fprintf(fp, " 0x%llx %s", (ulonglong)pa, launch_state(pa));
}

/* The columns from VMCS to LAUNCHED of the struct loaded_vmcs at @addr. */
static void print_loaded_vmcs(ulong addr)
{
	unsigned char launched;

	print_region(read_pointer(addr + offset_of("loaded_vmcs", "vmcs"), "loaded_vmcs.vmcs"));
	/* Since Linux kernel commit 355f4fb1405e ("kvm: nVMX: VMCLEAR an active shadow VMCS after last use") (in v4.9) */
	if (MEMBER_EXISTS("loaded_vmcs", "shadow_vmcs"))
		print_region(read_pointer(addr + MEMBER_OFFSET("loaded_vmcs", "shadow_vmcs"),
					  "loaded_vmcs.shadow_vmcs"));
	else
		print_region(0);
	readmem(addr + offset_of("loaded_vmcs", "launched"), KVADDR, &launched, 1,
		"loaded_vmcs.launched", FAULT_ON_ERROR);
	fprintf(fp, " %d %s", read_int(addr + offset_of("loaded_vmcs", "cpu"), "loaded_vmcs.cpu"),
		launched ? "yes" : "no");
}

/*
 * Walk the list whose head is at @head forward into crash's hash queue, for
 * retrieve_list().  Return: how many entries it has.
 */
static int walk_list(ulong head, int max, char **ret_end)
{
	ulong next = read_pointer(head, "list_head.next");

	*ret_end = next ? "complete" : "uninitialised";
	if (!next)
		return 0;
	if (!hq_open())
		error(FATAL, "cannot open the hash queue: \"set hash on\" first\n");
	for (int i = 0; next != head; i++) {
		ulong entry = next;

		if (!readmem(entry, KVADDR, &next, sizeof(next), "list_head.next",
			     QUIET | RETURN_ON_ERROR))
			*ret_end = "wild-pointer";
		else if (i == max)
			*ret_end = "too-long";
		else if (!hq_enter(entry))
			*ret_end = "loop";
		else
			continue;
		break;
	}
	return hq_close();
}

/* Return: the entries of the list, to be freed with FREEBUF(). */
static ulong *read_list(ulong head, int max, int *ret_nr, char **ret_end)
{
	int nr = walk_list(head, max, ret_end);
	ulong *entry = (ulong *)GETBUF((nr + 1) * sizeof(*entry));

	/* It takes a count of 0 for no bound */
	*ret_nr = nr ? retrieve_list(entry, nr) : 0;
	return entry;
}

static void show_cpu(int cpu, ulong lists)
{
	long link = offset_of("loaded_vmcs", "loaded_vmcss_on_cpu_link");
	int nr;
	char *end;
	ulong *entry = read_list(lists + kt->__per_cpu_offset[cpu], MAX_LISTED, &nr, &end);

	for (int i = 0; i < nr; i++) {
		fprintf(fp, "list %d %d", cpu, i);
		print_loaded_vmcs(entry[i] - link);
		fprintf(fp, "\n");
	}
	fprintf(fp, "end %d %s\n", cpu, end);
	FREEBUF(entry);
}

/*
 * The command name of the process whose thread has the struct pid @pid, in @ret
 * of 16 bytes.  crash's own table of tasks may lack some of a dump.
 */
static void process_name(ulong pid, char *ret)
{
	ulong link = pid ? read_pointer(pid + offset_of("pid", "tasks"), "pid.tasks") : 0;

	strcpy(ret, "-");
	if (!link)
		return;
	ulong task = link - offset_of("task_struct", "pid_links");
	ulong leader = read_pointer(task + offset_of("task_struct", "group_leader"),
				    "task_struct.group_leader");

	readmem(leader + offset_of("task_struct", "comm"), KVADDR, ret, 16, "task_struct.comm",
		FAULT_ON_ERROR);
	ret[15] = '\0';
}

/* The columns PID, TID and COMM. */
static void print_owner(ulong kvm, ulong vcpu)
{
	ulong pid = read_pointer(vcpu + offset_of("kvm_vcpu", "pid"), "kvm_vcpu.pid");
	int tid = pid ? read_int(pid + offset_of("pid", "numbers") + offset_of("upid", "nr"),
				 "pid.numbers") : 0;
	char comm[16];

	process_name(pid, comm);
	fprintf(fp, " %d %d %s\n", read_int(kvm + offset_of("kvm", "userspace_pid"),
					    "kvm.userspace_pid"), tid, comm);
}

static void show_vcpu(int vm, ulong kvm, ulong vcpu)
{
	ulong vmx = vcpu - offset_of("vcpu_vmx", "vcpu");
	const ulong loaded[] = {
		vmx + offset_of("vcpu_vmx", "vmcs01"),
		vmx + offset_of("vcpu_vmx", "nested") + offset_of("nested_vmx", "vmcs02"),
	};

	for (int nested = 0; nested < 2; nested++) {
		/* vmcs02 has no region until the vCPU runs a nested guest */
		if (!read_pointer(loaded[nested] + offset_of("loaded_vmcs", "vmcs"), "vmcs"))
			continue;
		fprintf(fp, "vcpu %d %d %s", vm,
			read_int(vcpu + offset_of("kvm_vcpu", "vcpu_id"), "kvm_vcpu.vcpu_id"),
			nested ? "vmcs02" : "vmcs01");
		print_loaded_vmcs(loaded[nested]);
		print_owner(kvm, vcpu);
	}
}

static void show_vcpus_of_xarray(int vm, ulong kvm)
{
	ulong root = kvm + MEMBER_OFFSET("kvm", "vcpu_array");
	ulong nr = do_xarray(root, XARRAY_COUNT, NULL);

	if (nr > MAX_VCPUS)
		error(FATAL, "VM %d: %ld vCPUs: more than KVM has room for\n", vm, nr);
	struct list_pair *vcpu = (struct list_pair *)GETBUF((nr + 1) * sizeof(*vcpu));

	vcpu[0].index = nr;
	nr = nr ? do_xarray(root, XARRAY_GATHER, vcpu) : 0;
	for (ulong i = 0; i < nr; i++) {
		/* crash takes the head of an empty XArray for an entry */
		if (vcpu[i].value)
			show_vcpu(vm, kvm, (ulong)vcpu[i].value);
	}
	FREEBUF(vcpu);
}

static void show_vcpus_of_array(int vm, ulong kvm)
{
	long vcpus = offset_of("kvm", "vcpus");
	long size = MEMBER_SIZE("kvm", "vcpus");

	for (long at = 0; at < size; at += sizeof(ulong)) {
		ulong vcpu = read_pointer(kvm + vcpus + at, "kvm.vcpus");

		if (vcpu)
			show_vcpu(vm, kvm, vcpu);
	}
}

static void show_vms(void)
{
	long link = offset_of("kvm", "vm_list");
	int nr;
	char *end;
	ulong *vm = read_list(symbol_of("kvm", "vm_list"), MAX_VMS, &nr, &end);

	for (int i = 0; i < nr; i++) {
		if (MEMBER_EXISTS("kvm", "vcpu_array"))
			show_vcpus_of_xarray(i, vm[i] - link);
		else	/* Linux kernel commit c5b077549136 ("KVM: Convert the kvm->vcpus array to a xarray") (in v5.17) */
			show_vcpus_of_array(i, vm[i] - link);
	}
	if (!STREQ(end, "complete"))
		error(INFO, "vm_list is not whole: %s\n", end);
	FREEBUF(vm);
}

static void cmd_vmcs(void)
{
	if (getopt(argcnt, args, "") != EOF || argcnt > 1)
		cmd_usage(pc->curcmd, SYNOPSIS);
	ulong lists = symbol_of("kvm_intel", "loaded_vmcss_on_cpu");

	for (int cpu = 0; cpu < kt->kernel_NR_CPUS; cpu++) {
		if (in_cpu_map(POSSIBLE_MAP, cpu))
			show_cpu(cpu, lists);
	}
	show_vms();
}
