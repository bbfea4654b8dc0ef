import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Bench, type Figure, median } from './bench.ts';
import { type LineKind, lineKinds, writeLines } from './list-files.ts';
import { runPipeline, type Sample } from './pipeline-process.ts';

const rounds = 3;
const runsInRound = 2;
const lines = 1_000_000;

const peerName = 'FireHOL iprange';

interface PeerTime {
  whole: number;
  busy: number;
}

/** Minutes and seconds as a shell writes them, in milliseconds. */
const shellTime = (text: string): number => {
  const [, minutes, seconds] = /^(\d+)m([\d.]+)s$/.exec(text) ?? [];
  return Number(minutes) * 60_000 + Number(seconds) * 1000;
};

/** Milliseconds of the peer on the same file, by the clock and of the processor: it sorts and merges, and writes the result. Null where it is not installed. */
const peerOnce = (path: string): PeerTime | null => {
  const begun = performance.now();
  const script = 'iprange --dont-fix-network "$0" >/dev/null 2>&1 || exit 1; times';
  try {
    const times = execFileSync('sh', ['-c', script, path], { encoding: 'utf8' });
    const whole = performance.now() - begun;
    const [user = '', system = ''] = times.trim().split('\n').at(-1)?.split(' ') ?? [];
    return { whole, busy: shellTime(user) + shellTime(system) };
  } catch {
    return null;
  }
};

const milliseconds = (
  samples: readonly Sample[],
  part: 'parse' | 'sort' | 'merge' | 'build' | 'compress',
) => ({
  value: median(samples.map((sample) => sample[part])),
  unit: 'ms',
});

const parts = (samples: readonly Sample[]): Record<string, Figure> => ({
  'read and canonicalise': milliseconds(samples, 'parse'),
  'sort, drop duplicates': milliseconds(samples, 'sort'),
  merge: milliseconds(samples, 'merge'),
  'cut and hash': milliseconds(samples, 'build'),
  compress: milliseconds(samples, 'compress'),
});

/** Times of all runs beside those of the peer. */
const compare = (samples: readonly Sample[], peers: readonly PeerTime[], time: 'whole' | 'busy') => {
  const value = median(samples.map((sample) => sample[time]));
  if (peers.length === 0) return { own: { value, unit: 'ms' } };
  const peer = median(peers.map((one) => one[time]));
  return {
    own: { value, unit: 'ms', peer: peerName, ratio: value / peer },
    peer: { value: peer, unit: 'ms' },
  };
};

/** By the clock, and of the processor: on a machine that others use, too, the second is the steadier. */
const times = (samples: readonly Sample[], peers: readonly PeerTime[]): Record<string, Figure> => {
  const [whole, busy] = [compare(samples, peers, 'whole'), compare(samples, peers, 'busy')];
  return {
    'all of it': whole.own,
    'all of it, processor': busy.own,
    ...(whole.peer && busy.peer ? { [peerName]: whole.peer, [`${peerName}, processor`]: busy.peer } : {}),
  };
};

/** The peer takes IPv4 alone. Its runs stand between ours, so that both meet the same load of the machine. */
const measure = (kind: LineKind, path: string): Record<string, Figure> => {
  const samples: Sample[] = [];
  const peaks: number[] = [];
  const peers: PeerTime[] = [];
  for (let round = 0; round < rounds; round++) {
    const { samples: more, peak } = runPipeline(path, runsInRound);
    samples.push(...more);
    peaks.push(peak);
    for (let run = 0; run < runsInRound && kind === 'ipv4'; run++) {
      const peer = peerOnce(path);
      if (peer) peers.push(peer);
    }
  }
  if (kind === 'ipv4' && peers.length === 0)
    console.log(`  ${peerName} is not installed (Debian package iprange): no ratio.`);
  const [first] = samples;
  const figures = {
    ...(kind === 'ipv4' ? parts(samples) : {}),
    ...times(samples, peers),
    entries: { value: first?.entries ?? 0, unit: '' },
    chunks: { value: first?.chunks ?? 0, unit: '' },
    'stored bytes': { value: first?.bytes ?? 0, unit: 'B' },
    'most memory of the process': { value: median(peaks), unit: 'MiB' },
  };
  return Object.fromEntries(Object.entries(figures).map(([name, figure]) => [`${kind}: ${name}`, figure]));
};

export const bench: Bench = {
  what: `${lines.toLocaleString('en')} lines of each sort, from a file to compressed chunks`,
  run: async () => {
    const folder = mkdtempSync(join(tmpdir(), 'import-pipeline-'));
    try {
      const figures: Record<string, Figure> = {};
      for (const kind of Object.keys(lineKinds) as LineKind[]) {
        const path = join(folder, `${kind}.txt`);
        writeLines(path, kind, lines);
        Object.assign(figures, measure(kind, path));
      }
      return { runs: rounds * runsInRound, figures };
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  },
};
