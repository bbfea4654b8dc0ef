import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { until } from './until.ts';

const namespaces = ['--cgroup', '--pid', '--mount', '--uts', '--ipc', '--fork', '--kill-child'];

/**
 * The machine's files as a tree of their own, whose changes are in memory. Nothing that systemd does at a boot reaches the machine: it empties
 * /tmp, sets parameters of the kernel and the host's name, makes files in /dev and /var.
 */
const privateTree = `
mkdir -p "$dir/layer" "$dir/root"
mount -t tmpfs none "$dir/layer"
mkdir "$dir/layer/upper" "$dir/layer/work"
mount -t overlay -o "lowerdir=/,upperdir=$dir/layer/upper,workdir=$dir/layer/work" none "$dir/root"
cd "$dir/root"
mount -t proc none proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro proc/sys
mount -t sysfs -o ro none sys
mount -t cgroup2 none sys/fs/cgroup
mount -t tmpfs -o mode=755 none dev
cp -a /dev/null /dev/zero /dev/full /dev/random /dev/urandom /dev/tty dev
mkdir dev/pts dev/shm
mount -t devpts -o newinstance,ptmxmode=0666 none dev/pts
mount -t tmpfs none dev/shm
ln -s pts/ptmx dev/ptmx
`;

/** What the machine itself starts at boot has no business here; what a Scanner keeps outlives a boot. */
const ownBoot = `
wants=lib/systemd/system
for hidden in run tmp var/log etc/init.d lib/systemd/system-generators $wants/sysinit.target.wants $wants/multi-user.target.wants $wants/timers.target.wants; do
  mount -t tmpfs none "$hidden"
done
mkdir -p etc/scanner var/lib/scanner old
mount --bind "$dir/units" etc/systemd/system
mount --bind "$dir/options" etc/scanner
mount --bind "$dir/state" var/lib/scanner
pivot_root . old
cd /
umount -l /old
exec env -i container=test PATH="$PATH" setpriv --bounding-set=-sys_time,-sys_module,-sys_rawio,-syslog \\
  /lib/systemd/systemd --system --unit=multi-user.target --log-target=console --show-status=no
`;

const cgroups = (): string | undefined =>
  /^\S+ (\S+) cgroup2 /m.exec(readFileSync('/proc/self/mounts', 'utf8'))?.[1];

const treeCanBeMade = (): boolean => {
  const tree = privateTree.replaceAll('$dir', '/mnt');
  return (
    spawnSync('unshare', [...namespaces, 'sh', '-euc', `mount -t tmpfs none /mnt\n${tree}`]).status === 0
  );
};

/** Why no systemd can be booted here; empty where one can. It is no thing to do as root on somebody's own machine without being asked. */
export const lackingSystemd = (): string => {
  if (process.env['TEST_SYSTEMD'] !== '1') return 'TEST_SYSTEMD=1 has one booted';
  if (process.getuid?.() !== 0) return 'only root can boot a systemd';
  if (!existsSync('/lib/systemd/systemd')) return 'systemd is not installed';
  if (cgroups() === undefined) return 'no cgroup2 is mounted';
  return treeCanBeMade() ? '' : 'no namespaces, overlay or cgroup can be had';
};

/** A systemd that is PID 1 of namespaces of its own, on the network of this machine. */
export interface Systemd {
  /** Runs a program beside it. */
  run(...command: string[]): { status: number | null; output: string };
  /** Orderly, as `systemctl poweroff`. */
  powerOff(): Promise<void>;
  /** Ends it, and all that runs under it, at once. */
  kill(): Promise<void>;
}

/** The first process of the namespaces, which is systemd once the tree is private: before that nothing may be run in them. */
const initOf = (unshare: ChildProcess): string => {
  const pid = readFileSync(`/proc/${unshare.pid}/task/${unshare.pid}/children`, 'utf8').trim();
  if (readFileSync(`/proc/${pid}/comm`, 'utf8') !== 'systemd\n') throw new Error('It is not systemd yet.');
  return pid;
};

const runBeside = (unshare: ChildProcess, command: readonly string[]) => {
  const { status, stdout, stderr } = spawnSync('nsenter', ['-t', initOf(unshare), '-a', ...command], {
    encoding: 'utf8',
    timeout: 60_000,
  });
  return { status, output: `${stdout}${stderr}` };
};

const removeCgroup = (path: string): void => {
  if (!existsSync(path)) return;
  for (const one of readdirSync(path, { withFileTypes: true }))
    if (one.isDirectory()) removeCgroup(join(path, one.name));
  rmdirSync(path);
};

const isOver = (child: ChildProcess): boolean => child.exitCode !== null || child.signalCode !== null;

/** What outlives the boots of one systemd: units, options and state of Scanners. */
export interface Machine {
  dir: string;
  units: string;
  options: string;
  state: string;
  /** Once no systemd runs by it. */
  remove(): void;
}

export const openMachine = (): Machine => {
  const dir = mkdtempSync(join(tmpdir(), 'systemd-'));
  const machine = { units: join(dir, 'units'), options: join(dir, 'options'), state: join(dir, 'state') };
  for (const path of Object.values(machine)) mkdirSync(path);
  const wants = join(machine.units, 'sysinit.target.wants');
  mkdirSync(wants);
  symlinkSync('/lib/systemd/system/systemd-journald.service', join(wants, 'systemd-journald.service'));
  return { dir, ...machine, remove: () => rmSync(dir, { recursive: true }) };
};

/** It ends with this process, too, and all that runs under it. */
const spawnInit = (dir: string, cgroup: string) => {
  const script = join(dir, 'boot.sh');
  writeFileSync(script, `set -eu\ndir=$1\n${privateTree}${ownBoot}`);
  const start = 'echo $$ > "$0/cgroup.procs"; exec setpriv --pdeathsig KILL unshare "$@"';
  const child = spawn('sh', ['-euc', start, cgroup, ...namespaces, 'sh', script, dir], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (piece) => (said += piece));
  return { child, said: () => said };
};

const systemdOf = (child: ChildProcess, cgroup: string): Systemd => {
  const gone = async (): Promise<void> => {
    if (!isOver(child)) await once(child, 'exit');
    await until('its cgroup is empty', () => {
      removeCgroup(cgroup);
      return true;
    });
  };
  const run = (...command: string[]) => runBeside(child, command);
  return {
    run,
    async kill() {
      child.kill('SIGKILL');
      await gone();
    },
    async powerOff() {
      run('systemctl', 'poweroff');
      await gone();
    },
  };
};

/** @throws Error with what it has said, where it does not come up. */
export const bootSystemd = async ({ dir }: Machine): Promise<Systemd> => {
  const cgroup = join(cgroups() ?? '', `systemd-of-test-${process.pid}`);
  mkdirSync(cgroup);
  const { child, said } = spawnInit(dir, cgroup);
  const systemd = systemdOf(child, cgroup);
  const isUp = () => systemd.run('systemctl', 'is-system-running').output.startsWith('running');
  await until('systemd is up, or has ended', () => isOver(child) || isUp()).catch(systemd.kill);
  if (isOver(child)) {
    await systemd.kill();
    throw new Error(`systemd does not come up: ${said()}`);
  }
  return systemd;
};
