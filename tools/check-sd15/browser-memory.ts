// In: the profile folder of a running Chromium or Firefox (Linux). Out: how much memory its processes take, by kind, now and at the most.
import { readdirSync, readFileSync } from 'node:fs';

/** Proportional set sizes in bytes: memory that several processes share is counted once, in parts. */
export interface BrowserMemory {
  browser: number;
  renderer: number; // pages and their workers
  gpu: number; // Chromium's own process for the GPU: with a software adapter the model lies here (in Firefox: in `browser`)
  other: number;
}
type Kind = keyof BrowserMemory;

interface Process {
  pid: number;
  parent: number;
  kind: Kind;
}

const read = (path: string): string => {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return ''; // it has ended since
  }
};

/** Chromium names a process by `--type=`, Firefox by the last of a `-contentproc`'s words. */
function kindOf(command: string): Kind {
  const type = /--type=(\S+)/.exec(command)?.[1] ?? /-contentproc .*?(\w+)\s*$/.exec(command)?.[1];
  if (type === undefined) return 'browser';
  if (type === 'renderer' || type === 'tab') return 'renderer';
  return type === 'gpu-process' || type === 'gpu' ? 'gpu' : 'other';
}

/** Every process that descends from the browser with this profile. Throws when there is none. */
function processesOf(profile: string): Process[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((pid): Process & { command: string } => {
      const command = read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ');
      const kind = kindOf(command);
      const parent = Number(/\) \S (\d+)/.exec(read(`/proc/${pid}/stat`))?.[1] ?? 0);
      return { pid: Number(pid), parent, kind, command };
    });
  const roots = all.filter(({ command, kind }) => kind === 'browser' && command.includes(profile));
  if (roots.length === 0) throw new Error(`no browser runs with the profile ${profile}`);
  const family = new Map(roots.map((root) => [root.pid, root as Process]));
  for (let grown = true; grown; ) {
    grown = false;
    for (const one of all) {
      if (family.has(one.pid) || !family.has(one.parent)) continue;
      // Forked helpers without a type of their own (the zygote's children show none until they are named) are not the browser.
      family.set(one.pid, one.kind === 'browser' ? { ...one, kind: 'other' } : one);
      grown = true;
    }
  }
  return [...family.values()];
}

export function browserMemory(profile: string): BrowserMemory {
  const sum: BrowserMemory = { browser: 0, renderer: 0, gpu: 0, other: 0 };
  for (const { pid, kind } of processesOf(profile)) {
    const kb = /^Pss:\s+(\d+) kB/m.exec(read(`/proc/${pid}/smaps_rollup`))?.[1];
    sum[kind] += 1024 * Number(kb ?? 0);
  }
  return sum;
}

export const pageBytes = ({ browser, renderer }: BrowserMemory): number => browser + renderer;

/** The most that renderer and browser process took together while `work` ran, looked at every `everyMs`. */
export async function peakWhile<T>(
  profile: string,
  work: () => Promise<T>,
  everyMs = 200,
): Promise<{ answer: T; peakBytes: number; samples: number }> {
  let peakBytes = 0;
  let samples = 0;
  const look = () => {
    peakBytes = Math.max(peakBytes, pageBytes(browserMemory(profile)));
    samples++;
  };
  const timer = setInterval(look, everyMs);
  try {
    look();
    const answer = await work();
    look();
    return { answer, peakBytes, samples };
  } finally {
    clearInterval(timer);
  }
}
