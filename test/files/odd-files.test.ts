// What people drop that is no checkpoint, or one under another name: each is told as what it is.
import { expect, it, vi } from 'vitest';
import { openCheckpoint } from '../../src/files/checkpoint/checkpoint.ts';
import { type TensorToWrite, writeSafetensors } from '../../src/files/safetensors.ts';
import { tokenizer } from './checkpoint-folder.ts';
import { goldenFile, ldmGolden } from './ldm-golden.ts';

vi.setConfig({ testTimeout: 60_000 });
const golden = ldmGolden('narrow-sd1');
const whole = goldenFile(
  golden,
  [...golden.ldm.keys()].filter((key) => !key.startsWith('model_ema.')),
);
const text = (s: string) => new Blob([s]);
const named = (...names: string[]) =>
  new Blob([
    writeSafetensors(
      names.map((name): TensorToWrite => ({ name, dtype: 'F16', shape: [1], data: new Uint16Array(1) })),
    ),
  ]);
const lora = named('lora_unet_mid_block_attentions_0_proj_in.lora_down.weight');
const pytorch = (first: string) => text(`PK\u0003\u0004${'\0'.repeat(26)}${first}${'x'.repeat(40)}`);
const opened = (files: Record<string, Blob>) =>
  openCheckpoint(
    Object.entries(files).map(([path, file]) => ({ path, file })),
    tokenizer,
  );

it.each([
  [
    'a photo',
    { 'cat.jpg': new Blob([Uint8Array.of(0xff, 0xd8, 0xff, 0xe0, 0, 16, 0x4a, 0x46, 0x49, 0x46)]) },
    { kind: 'unknown', file: 'cat.jpg', detail: 'a JPEG image' },
  ],
  ['a text', { 'notes.txt': text('my notes on training, and more of them') }, { kind: 'unknown', file: 'notes.txt' }],
  ['a config alone', { 'config.json': text('{"a": 1, "b": [2, 3, 4]}') }, { kind: 'unknown', file: 'config.json' }],
  ['an empty file', { 'x.txt': text('') }, { kind: 'unknown', file: 'x.txt' }],
  ['a zip of photos', { 'photos.zip': pytorch('a.jpg') }, { kind: 'unknown', file: 'photos.zip' }],
  ['a pickle called .zip', { 'model.zip': pytorch('archive/data.pkl') }, { kind: 'pickle' }],
  ['a pickle called .safetensors', { 'model.safetensors': pytorch('archive/data.pkl') }, { kind: 'pickle' }],
  ['a LoRA', { 'lora.safetensors': lora }, { kind: 'lora', file: 'lora.safetensors' }],
  ['a LoRA called .ckpt', { 'lora.ckpt': lora }, { kind: 'lora', file: 'lora.ckpt' }],
  ['two LoRAs', { 'f/a.safetensors': lora, 'f/b.safetensors': lora }, { kind: 'incomplete' }],
  ['two checkpoints at once', { 'f/a.safetensors': whole, 'f/b.ckpt': whole }, { kind: 'several', file: 'f' }],
  ['a folder of which a browser sees nothing', {}, { kind: 'links' }],
])('%s', async (_, files: Record<string, Blob>, facts) => {
  await expect(opened(files)).rejects.toMatchObject({ code: 'not-a-checkpoint', facts });
});

it.each([
  ['nothing at all', text(''), '0 bytes'],
  ['half of a checkpoint', whole.slice(0, whole.size / 2), /: the file ends early$/],
  ['a checkpoint without its last byte', whole.slice(0, -1), /the file ends early/],
  ['less than its header', whole.slice(0, 1000), /header length/],
  ['a page', text('<!doctype html><html><body>Sign in to download this model'), 'an HTML page'],
])('calls itself weights and is %s: damaged', async (_, file, got) => {
  await expect(opened({ 'x.safetensors': file })).rejects.toMatchObject({
    code: 'file-damaged',
    facts: { file: 'x.safetensors', got: typeof got === 'string' ? got : expect.stringMatching(got) },
  });
});

it('a checkpoint is read under any name, and from among what lies beside it', async () => {
  for (const path of ['model.ckpt', 'model', 'model.sft', 'model.safetensors.download'])
    expect((await opened({ [path]: whole })).layout).toBe('ldm');
  expect((await opened({ 'model.ckpt': whole })).name).toBe('model');
  const beside = { 'f/lora.safetensors': lora, 'f/vae.pt': pytorch('archive/data.pkl'), 'f/dreamy.safetensors': whole };
  expect((await opened(beside)).name).toBe('dreamy');
});
