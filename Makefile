# SPDX-License-Identifier: GPL-2.0-or-later
# kdump-torture: 'make help' lists what there is.

TOP := $(abspath .)
ifneq ($(word 2,$(CURDIR)),)
$(error $(CURDIR): a kernel cannot be built below a path with spaces; move the clone)
endif
include Makefile.quiet

KERNEL	?= fixed
PREFIX	?= /usr/local
DESTDIR	?=

# What 'make run' hands to 'kdump-torture run'
RUN_ARGS = $(if $(POINT),--point $(POINT)) $(if $(DELIVER),--deliver $(DELIVER)) \
	$(if $(CPU),--cpu $(CPU)) $(if $(GUESTS),--guests $(GUESTS)) \
	$(if $(RUNDIR),--out $(RUNDIR)) $(if $(EMULATOR),--emulator $(EMULATOR)) $(ARGS)

help:
	@echo 'make run        crash an emulated KVM host once and judge the dump; all it needs'
	@echo '                is installed and built first. KERNEL=fixed|bitmap, KDIR=/path/to/linux,'
	@echo '                POINT=list_add/2, DELIVER=self|remote|shootdown, CPU=1, GUESTS=3,'
	@echo '                EMULATOR=fast|packaged, RUNDIR=DIR, ARGS=... (see kdump-torture'
	@echo '                run --help)'
	@echo 'make check      all tests; ends with "N passed, N failed"'
	@echo 'make check-full the same, with all known bugs and every place in list_add() and list_del()'
	@echo 'make check-unit the tests that need no emulator, in seconds'
	@echo 'make fuzz       feed the analyser damaged dumps for TIME=60 seconds or RUNS=N, JOBS=1|2'
	@echo '                (docs/FUZZING.md)'
	@echo 'make bench      what the analyser costs beside crash(8), drgn and libkdumpfile; VMCORE=,'
	@echo '                VMLINUX=, MODULES=DIR for a dump of yours, RUNS=7, INSTRUCTIONS=1'
	@echo 'make host       the host command build/kdump-torture alone'
	@echo 'make mutants    crash a kernel for each known bug: which of them are caught (ARGS=...;'
	@echo '                make mutant-kernels only builds them)'
	@echo 'make kernel     the kernel to be crashed (KERNEL=fixed|bitmap)'
	@echo 'make maxphyaddr-kernels  the kernels for guests with a smaller MAXPHYADDR'
	@echo 'make emulator   the fast emulator, from the source of Debian; run and check make it'
	@echo '                if it can be had, unless EMULATOR=packaged'
	@echo 'make deps       install the Debian packages that are missing'
	@echo 'make install    install the host command, man pages, completion (PREFIX, DESTDIR)'
	@echo 'make clean      remove build/'
	@echo 'V=1 shows the commands; -jN is understood.'

deps:
	$(Q)inject/install-packages.sh

# After deps, for what pkg-config and the compiler find is asked below
host: deps
	@mkdir -p $(BUILD)
	$(Q)$(MAKE) -C analyze all program
	$(Q)$(MAKE) -C analyze/extras
	$(Q)$(MAKE) -C inject
	$(Q)$(MAKE) -C inject/agent
	$(Q)$(MAKE) -C inject/snapshot
	@ln -sfn $(TOP)/driver $(BUILD)/driver
	@ln -sfn $(TOP)/tests/kselftest $(BUILD)/kselftest
	@ln -sfn $(BUILD)/kernel/6.1/src $(BUILD)/source
	@ln -sf $(TOP)/inject/packages $(BUILD)/packages
	@ln -sf $(TOP)/tests/scenarios.cfg $(TOP)/kernel-patch/6.1/mutants/mutants.cfg $(BUILD)/
	@ln -sf $(TOP)/kernel-patch/6.1/maxphyaddr/mutants.cfg $(BUILD)/maxphyaddr.cfg

kernel: deps
	$(Q)$(MAKE) -C kernel-patch KERNEL=$(KERNEL)

emulator: deps
	$(Q)$(MAKE) -C inject/emulator

jobs = $(if $(filter -j% --jobserver%,$(MAKEFLAGS)),,-j$(shell nproc))
parts = $(if $(KDIR),,kernel) $(if $(filter packaged,$(EMULATOR)),,fast-emulator)

# Beside the kernel, whose build leaves a CPU idle where it links
kernel-and-emulator: deps
	$(if $(strip $(parts)),$(Q)$(MAKE) $(jobs) $(parts))

fast-emulator: deps
	$(Q)$(MAKE) -C inject/emulator if-possible

mutant-kernels: deps
	$(Q)$(MAKE) -C kernel-patch mutants

maxphyaddr-kernels: deps
	$(Q)$(MAKE) -C kernel-patch maxphyaddr

mutants: host mutant-kernels $(if $(filter packaged,$(EMULATOR)),,fast-emulator)
	$(Q)$(BUILD)/kdump-torture detect $(if $(EMULATOR),--emulator $(EMULATOR)) $(ARGS)

ifeq ($(KDIR),)
run: host kernel-and-emulator
	$(Q)$(BUILD)/kdump-torture run --kernel $(KERNEL) $(RUN_ARGS)
else
run: host kernel-and-emulator
	$(Q)tree=$$(kernel-patch/tree.sh $(KDIR) $(BUILD)/trees/$(subst /,_,$(abspath $(KDIR)))) && \
		$(BUILD)/kdump-torture run --kernel "$$tree" $(RUN_ARGS)
endif

check-unit: host
	$(Q)$(MAKE) -C tests check-unit

check: host $(if $(filter packaged,$(EMULATOR)),,fast-emulator)
	$(Q)$(MAKE) -C tests check

check-full:
	$(Q)$(MAKE) check FULL=1

fuzz: deps
	$(Q)$(MAKE) -C tests/fuzz fuzz

bench: host $(if $(filter packaged,$(EMULATOR)),,fast-emulator)
	$(Q)$(MAKE) -C tests/bench run

install: host
	$(Q)$(MAKE) -C inject install
	$(Q)$(MAKE) -C analyze/extras install
	$(Q)$(MAKE) -C docs install

clean:
	$(Q)rm -rf $(BUILD)

.PHONY: help deps host kernel emulator kernel-and-emulator fast-emulator mutant-kernels mutants \
	maxphyaddr-kernels run check-unit check check-full fuzz bench install clean
