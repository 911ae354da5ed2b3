// What a file is that was opened as a LoRA: a LoRA in any spelling, or something else that is called by its name.
import { expect, test } from 'vitest';
import { openAdapter } from '../../src/adapter/open-adapter.ts';
import { writeSafetensors } from '../../src/files/safetensors.ts';

const file = (...keys: string[]) =>
  new Blob([writeSafetensors(keys.map((name) => ({ name, dtype: 'F32', shape: [1], data: new Float32Array(1) })))]);

test.each([
  ['lora_unet_mid_block_attentions_0_proj_in.lora_down.weight', 'lora_unet_mid_block_attentions_0_proj_in.alpha'],
  ['unet.mid_block.attentions.0.proj_in.lora.up.weight'],
  ['base_model.model.mid_block.attentions.0.proj_in.lora_A.weight'],
])('%s is a LoRA', async (...keys) => {
  expect((await openAdapter(file(...keys), 'x.safetensors')).keys().sort()).toEqual([...keys].sort());
});

test.each([
  ['checkpoint', file('model.diffusion_model.input_blocks.0.0.weight', 'cond_stage_model.transformer.x')], // was: another model's adapter
  ['checkpoint', file('down_blocks.0.resnets.0.conv1.weight')],
  ['checkpoint', file('conditioner.embedders.0.transformer.x')],
  ['controlnet', file('control_model.input_blocks.0.0.weight')],
  ['textual-inversion', file('emb_params')],
  ['other-adapter', file('lora_unet_mid_block.hada_w1_a', 'lora_unet_mid_block.hada_w1_b')],
  ['other-adapter', file('lora_unet_mid_block.lokr_w1', 'lora_unet_mid_block.alpha')],
  ['unknown', file('a', 'b')],
  ['unknown', file()],
  ['pickle', new Blob(['PK\x03\x04 and more of a zip archive'])],
  ['pickle', new Blob([Uint8Array.of(0x80, 2, 0x7d, 0x71, 0, 1, 2, 3)])],
  ['gguf', new Blob(['GGUF and more'])],
])('%s', async (kind, blob) => {
  await expect(openAdapter(blob, 'x.safetensors')).rejects.toMatchObject({
    code: 'not-an-adapter',
    facts: { kind, file: 'x.safetensors' },
  });
});

test('half a file is damaged, and no other kind', async () => {
  const whole = file('lora_unet_x.lora_down.weight');
  await expect(openAdapter(whole.slice(0, whole.size - 3), 'x')).rejects.toMatchObject({ code: 'file-damaged' });
});
