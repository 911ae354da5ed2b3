// Every trouble with its one button, by code and by where the file came from.
import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { TroubleCode, TroubleFacts } from '../../src/trouble.ts';
import { en } from '../../src/ui/messages.ts';
import type { AnyTrouble } from '../../src/ui/state/studio.ts';

type Row = { [C in TroubleCode]: [C, TroubleFacts[C], string | null] }[TroubleCode];
const damaged = { file: 'x.safetensors', expected: 'a', got: 'b' };
const rows: Row[] = [
  ['no-webgpu', {}, 'How to turn it on'],
  ['not-secure', { address: 'http://box.lan' }, 'What to do'],
  ['no-adapter', {}, 'How to turn it on'],
  ['graphics-held', {}, 'Try again'],
  ['graphics-held', { step: 40 }, 'Continue'],
  ['device-lost', { reason: 'gone' }, 'Try again'],
  ['device-lost', { reason: 'gone', step: 40 }, 'Continue'],
  ['gpu-refused', { message: 'a binding was wrong' }, 'Try again'],
  ['no-answer', {}, 'Try again'],
  ['no-answer', { step: 40 }, 'Continue'],
  ['out-of-memory', { neededBytes: 2e9, gotBytes: 1e9, fits: null }, 'Try again'],
  [
    'out-of-memory',
    { neededBytes: 2e9, gotBytes: 1e9, fits: { settings: { weights: 'int8' }, neededBytes: 9e8 } },
    'Use int8 weights: needs 900 MB',
  ],
  ['file-damaged', { ...damaged, origin: 'fetched' }, 'Fetch again'],
  ['file-damaged', { ...damaged, origin: 'disk' }, 'Choose another'], // was: Fetch again
  ['file-damaged', damaged, 'Choose another'], // nobody knows where from: nothing is promised
  ['file-unreadable', { file: 'x', origin: 'fetched' }, 'Fetch again'],
  ['file-unreadable', { file: 'x', origin: 'disk' }, 'Choose another'],
  ['file-missing', { file: 'x', status: 404 }, 'Try again'],
  ['download-cut', { file: 'x', status: 0, storedBytes: 1, totalBytes: 2 }, 'Continue'],
  ['mirror-refused', { host: 'files.example' }, null],
  ['hash-differs', damaged, 'Go to Model'],
  ['model-incomplete', { modelId: 'sd15', missingBytes: 1 }, 'Fetch it'],
  ['model-incomplete', { modelId: 'mine', missingBytes: 1, origin: 'disk' }, 'Open its file'], // was: Fetch it, and a bug report

  ['model-busy', { modelId: 'sd15' }, 'Try again'],
  ['not-a-checkpoint', { file: 'x', kind: 'sdxl', detail: '' }, 'Choose another'],
  ['not-a-checkpoint', { file: 'x', kind: 'lora', detail: '' }, 'Open it under Compare'],
  ['not-an-adapter', { file: 'x', kind: 'checkpoint', detail: '' }, 'Open it as a model'],
  ...(
    [
      ...(['controlnet', 'textual-inversion', 'dora', 'loha', 'lokr', 'oft', 'ia3', 'full-difference'] as const),
      ...(['sdxl', 'flux', 'newer-family', 'other-adapter', 'text-only', 'pickle', 'gguf', 'unknown'] as const),
    ] as const
  ).map((kind): Row => ['not-an-adapter', { file: 'x', kind, detail: '' }, 'Choose another']),
  ['no-model', {}, 'Choose a model'],
  ['no-model', { file: 'x' }, 'Choose a model'],
  ['gone', { what: 'adapter', name: '' }, 'Look again'],
  ['gone', { what: 'run', name: 'step 4' }, 'Look again'],
  ['gone', { what: 'model', name: 'mine' }, 'Look again'],
  ['gone', { what: 'moment', name: 'step 4', damaged: true }, 'Look again'],
  ['busy-training', {}, 'Go to training'],
  ['broken-weights', { file: 'x', tensor: 't', found: 'nan', count: 2 }, 'Choose another'],
  ['no-answer', { step: 4 }, 'Continue'],
  ['run-damaged', { step: 50 }, 'New run'],
  ['other-photos', { began: 8, here: 7, missing: ['a.png'] }, 'New run'],
  ['not-this-family', { key: 'k', expected: 'a', got: 'b' }, 'Choose another'],
  ['photo-unreadable', { file: 'x.jpg', reason: 'truncated' }, 'Leave out'],
  ['photo-too-small', { file: 'x.jpg', width: 8, height: 8, needs: 64 }, 'Leave out'],
  ['no-photos', {}, 'Choose photos'],
  ['no-identifier', {}, 'Use a made-up name'],
  ['no-class-noun', {}, null],
  ['prompt-too-long', { words: 6 }, null],
  ['adapter-mismatch', damaged, 'Choose its model'],
  ['numbers-ran-away', { step: 9, keptStep: 4 }, 'Continue at half the rate'],
  ['numbers-ran-away', { step: 9, keptStep: 4, overflow: true }, 'Continue with 32 bits'],
  ['disk-full', { neededBytes: 2, freeBytes: 1 }, 'Try again'],
  ['another-tab', {}, 'Try again'],
  ['another-tab', { doing: 'drawing' }, 'Try again'],
  ['another-tab', { doing: 'training' }, null],
  ['class-prompt', { prompt: 'a photo of aawxbc toy' }, 'Change it'],
  ['few-class-pictures', { asked: 100, here: 62 }, 'Change it'],
  ['bad-setting', { setting: 'rank', expected: 'a', got: 'b' }, 'Reset it'],
];

describe('every trouble', () => {
  test.each(rows)('%s %j: “%s”', (code, facts, button) => {
    const words = en.trouble({ code, facts } as AnyTrouble);
    expect(words.button).toBe(button);
    const said = `${words.title} ${words.text}`;
    expect(said).not.toMatch(/undefined|null|NaN|\[object|!/);
    expect(words.title).toMatch(/\.$/);
  });
  test('has a row here', () => {
    // Read from the source, since types leave nothing behind.
    const table = readFileSync('src/trouble.ts', 'utf8').split('export interface TroubleFacts {')[1]!.split('\n}')[0]!;
    const codes = [...table.matchAll(/^ {2}'?([a-z-]+)'?:/gm)].map(([, code]) => code);
    expect(codes.length).toBeGreaterThan(20);
    expect([...new Set<string>(rows.map(([code]) => code))].sort()).toEqual(codes.sort());
  });
});
