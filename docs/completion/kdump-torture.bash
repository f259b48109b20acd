# SPDX-License-Identifier: GPL-2.0-or-later
# bash completion for kdump-torture(1)

# Names of the kernels that the command $1 finds without a path.
_kdump_torture_kernels()
{
	local program data directory

	program=$(readlink -f -- "$(type -P -- "$1")") || return
	data=${program%/*}
	[[ -e $data/agent ]] || data=$data/../lib/kdump-torture
	for directory in "${KDUMP_TORTURE_DATA-$data}"/kernels/*/; do
		[[ -d $directory ]] || continue
		directory=${directory%/}
		printf '%s\n' "${directory##*/}"
	done
}

# The steps of an operation differ from kernel to kernel: its name alone.
_kdump_torture_points()
{
	compopt -o nospace
	mapfile -t COMPREPLY < <(compgen -W 'list_add/ list_del/ load/ clear/ create/ vmxon/ vmxoff/
		switch/ shadow-to-vmcs12/ vmcs12-to-shadow/ vmwrite/ nested-on/ nested-free/
		host/now' -- "$1")
}

# Names and groups of the scenarios that the command $1 finds without a path.
_kdump_torture_scenarios()
{
	"$1" sweep --list 2> /dev/null |
		sed -n 's/^\([a-z0-9-]\+\) .*; group \([^;]*\).*/\1 \2/p' | tr ' ' , | tr , '\n' | sort -u
}

# The last one of a list with commas between.
_kdump_torture_triggers()
{
	local before=

	[[ $1 == *,* ]] && before=${1%,*},
	mapfile -t COMPREPLY < <(compgen -P "$before" -W 'create migrate destroy first last
		offline run now vmxon-fault nested-on nested-load nested-enter nested-vmwrite
		nested-clear nested-off nested-destroy reserved-fault' -- "${1##*,}")
}

# Complete $3 as the value of option $2 of the command $1. Return: whether it has one.
_kdump_torture_value()
{
	local words=

	case $2 in
	-t|--target)	words='bochs qemu' ;;
	-d|--deliver)	words='self remote shootdown' ;;
	--via)		words='auto hook kprobe' ;;
	--path)		words='full fast disk' ;;
	--situation)	words='plain idle offline nested maxphyaddr' ;;
	--emulator)	words='any packaged fast' ;;
	--without)	words='crash-kernel arming svm-off' ;;
	--op)		words='load list_add clear list_del destroy vmxon vmxoff offline last create
				switch shadow-to-vmcs12 vmcs12-to-shadow vmwrite nested-on
				nested-free ept-violation inject host' ;;
	-k|--kernel|--against)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -W "$(_kdump_torture_kernels "$1")" -- "$3"
			compgen -d -- "$3")
		return 0 ;;
	--program)	words='matrix corners emulator_error_test' ;;
	--parameters|--maxphyaddr)
		return 0 ;;
	-o|--out|--replay|--resume|--modules|--source)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -d -- "$3")
		return 0 ;;
	-m|--module|--layout|--efer|--vmlinux|--scenarios|--junit|--baseline|--results|--output)
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$3")
		return 0 ;;
	-p|--point|--points)
		_kdump_torture_points "$3"
		return 0 ;;
	--trigger)
		_kdump_torture_triggers "$3"
		return 0 ;;
	-c|--cpu|-g|--guests|-b|--bystanders|--skip|--memory|--disk|--timeout|--log-lines|\
	-j|--jobs|--repeat|--vary|--sample|--budget)
		return 0 ;;
	*)
		return 1 ;;
	esac
	mapfile -t COMPREPLY < <(compgen -W "$words" -- "$3")
}

_kdump_torture_options()
{
	case $1 in
	run)
		echo --target --kernel --point --deliver --cpu --guests --bystanders --out \
			--via --trigger --situation --skip --memory --disk --timeout --without --in-capture --keep \
			--replay --path --vary --same-kernel --checks --compress --emulator --json --quiet --help ;;
	sweep)
		echo --kernel --points --deliver --cpu --guests --bystanders --out --jobs \
			--situation --trigger --list --scenarios --resume --dry --op --repeat --vary --full --sample --keep \
			--memory --emulator --budget --timeout --junit --json --quiet --help ;;
	detect)		echo --results --out --jobs --emulator --junit --quiet --help ;;
	regress)	echo --baseline --kernel --results --scenarios --out --jobs --emulator \
			--junit --quiet --help ;;
	report)		echo --output --baseline --source --help ;;
	points)		echo --kernel --module --op --boundaries --json --help ;;
	analyze)	echo --json --quiet --log --log-lines --scan --layout --efer --vmlinux \
			--modules --help ;;
	maxphyaddr)	echo --kernel --against --mutants --target --emulator --program --parameters \
			--brief --maxphyaddr --memory --output --junit --quiet --help ;;
	kselftest)	echo --target --kernel --emulator --memory --list --quiet --help ;;
	doctor)		echo --json --help ;;
	esac
}

_kdump_torture()
{
	local program=$1 cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]}
	local name=${COMP_WORDS[1]}

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W 'run sweep regress detect report points analyze maxphyaddr kselftest doctor
			--help --version' -- "$cur")
		return
	fi
	# In --OPTION=VALUE the = is a word of its own.
	if [[ $cur == = ]]; then
		cur=
	elif [[ $prev == = ]]; then
		prev=${COMP_WORDS[COMP_CWORD-2]}
	fi
	_kdump_torture_value "$program" "$prev" "$cur" && return
	if [[ $cur == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_kdump_torture_options "$name")" -- "$cur")
	elif [[ $name == points ]]; then
		_kdump_torture_points "$cur"
	elif [[ $name == kselftest ]]; then
		mapfile -t COMPREPLY < <(compgen -W 'driver driver-armed vmxon kvm' -- "$cur")
	elif [[ $name == sweep || $name == regress ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(_kdump_torture_scenarios "$program")" -- "$cur")
	elif [[ $name == analyze || $name == report ]]; then
		compopt -o filenames
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
	fi
}

complete -F _kdump_torture kdump-torture
