// Checkpoints at random, through both readers: each reads right or is a Trouble, soon, and nothing is allocated that only a header asked for.
// 2,000 files; DARKROOM_FUZZ_FILES says another number.
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import type { GivenFile } from '../../src/files/checkpoint/folder.ts';
import { intoF16 } from '../../src/files/dtypes.ts';
import { neededFiles } from '../../src/files/model-folder.ts';
import { readSafetensors } from '../../src/files/safetensors.ts';
import { Trouble } from '../../src/trouble.ts';
import { bytesOf } from './checkpoint-folder.ts';
import { strangeCheckpoint } from './strange-checkpoints.ts';

const FILES = Number(process.env.DARKROOM_FUZZ_FILES ?? 2000);
const smallTokenizer = async () => ({ vocab: new Blob(['{"!":0,"a":1}']), merges: new Blob(['#version: 0.2\na a\n']) });

// Every typed array that is made by its length is seen; a Blob's bytes are asked for by slice.
const KINDS = ['Uint8Array', 'Uint16Array', 'Uint32Array', 'Float32Array', 'ArrayBuffer'] as const;
const real = Object.fromEntries(KINDS.map((kind) => [kind, globalThis[kind]]));
let largest = 0; // bytes of the largest allocation since it was last set to 0
beforeAll(() => {
  intoF16(new Uint8Array(2), 'BF16', new Uint16Array(1)); // its table is made once
  for (const kind of KINDS)
    Object.assign(globalThis, {
      [kind]: new Proxy(globalThis[kind], {
        construct(target, args, self) {
          const bytesPerElement = 'BYTES_PER_ELEMENT' in target ? target.BYTES_PER_ELEMENT : 1;
          if (typeof args[0] === 'number') largest = Math.max(largest, args[0] * bytesPerElement);
          return Reflect.construct(target, args, self);
        },
      }),
    });
});
afterAll(() => void Object.assign(globalThis, real));

function watched(file: Blob): Blob {
  const slice = file.slice.bind(file);
  file.slice = (begin = 0, end = file.size) => {
    largest = Math.max(largest, Math.min(end, file.size) - begin);
    return slice(begin, end);
  };
  return file;
}

/** 'read' or the trouble's code; anything else is thrown. */
async function verdict(given: readonly GivenFile[]): Promise<string> {
  try {
    const { files } = await openCheckpoint(given, smallTokenizer);
    expect(files.map(({ path }) => path)).toEqual(neededFiles);
    return 'read';
  } catch (error) {
    if (error instanceof Trouble) return error.code;
    throw error;
  }
}

const QUICK_MS = 250; // five times what an idle machine needs: two programs on one core take twice as long each, and a hang takes far more

/** The verdict, and the processor's time for it, not the clock's: other tests run beside this one. */
async function timed(given: readonly GivenFile[]): Promise<{ result: string; took: number }> {
  const cpu = process.cpuUsage();
  const result = await verdict(given);
  const { user, system } = process.cpuUsage(cpu);
  return { result, took: (user + system) / 1000 };
}

/** What opened can be read to its end, and is what its header says. */
async function expectReadable(given: readonly GivenFile[]): Promise<void> {
  for (const file of (await openCheckpoint(given, smallTokenizer)).files) {
    const bytes = await bytesOf(file);
    if (file.path.endsWith('.json')) JSON.parse(new TextDecoder().decode(bytes));
    if (!file.path.endsWith('.safetensors')) continue;
    const opened = await readSafetensors(bytes, file.path);
    expect(opened.keys()).toEqual(opened.keys().sort());
    expect(opened.keys().every((key) => opened.dtype(key) === 'F16')).toBe(true);
  }
}

it(`${FILES} files: right or a Trouble, at most ${QUICK_MS} ms for 99.9 % and 1 s for all, nothing larger than the file`, async () => {
  const verdicts = new Map<string, number>();
  const cpuMs: number[] = [];
  let worst = 0; // largest allocation in bytes per byte given
  let readings = 0;
  await fc.assert(
    fc.asyncProperty(strangeCheckpoint, async (given) => {
      const bytes = given.reduce((sum, { file }) => sum + file.size, 0);
      for (const { file } of given) watched(file);
      largest = 0;
      let { result, took } = await timed(given);
      // A slow file is slow every time; a collection of garbage, or a neighbour on the machine, is not.
      for (let again = 0; again < 3 && took > QUICK_MS; again++) took = Math.min(took, (await timed(given)).took);
      cpuMs.push(took);
      verdicts.set(result, (verdicts.get(result) ?? 0) + 1);
      expect(largest).toBeLessThanOrEqual(bytes + 1024);
      worst = Math.max(worst, largest / Math.max(bytes, 1024));
      if (result === 'read' && readings++ % 10 === 0) {
        await expectReadable(given);
        expect(largest).toBeLessThanOrEqual(bytes + 65536); // the configs and the tokenizer are ours
      }
    }),
    { numRuns: FILES, endOnFailure: true },
  );
  const at = (sorted: number[], share: number) =>
    sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length))] as number;
  cpuMs.sort((a, b) => a - b);
  console.log(
    `${cpuMs.length} files: ${[...verdicts].map((v) => v.join(' ')).join(', ')}; CPU median ${at(cpuMs, 0.5).toFixed(2)}, 99.9 % ${at(cpuMs, 0.999).toFixed(1)}, most ${at(cpuMs, 1).toFixed(1)} ms; largest allocation ${worst.toFixed(2)} × the files`,
  );
  for (const code of ['read', 'file-damaged', 'not-a-checkpoint']) expect(verdicts.get(code)).toBeGreaterThan(0);
  expect(at(cpuMs, 0.999)).toBeLessThanOrEqual(QUICK_MS);
  expect(at(cpuMs, 1)).toBeLessThanOrEqual(1000);
}, 3_600_000);
