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

/** A module's down as wide as Stable Diffusion XL's text: all that tells where only such modules were trained. */
const xlWide = new Blob([
  writeSafetensors([
    { name: 'unet.x.attn2.to_k.lora.down.weight', dtype: 'F16', shape: [1, 2048], data: new Uint16Array(2048) },
    { name: 'unet.x.attn2.to_k.lora.up.weight', dtype: 'F16', shape: [1, 1], data: new Uint16Array(1) },
  ]),
]);

test.each([
  ['checkpoint', file('model.diffusion_model.input_blocks.0.0.weight', 'cond_stage_model.transformer.x')], // was: another model's adapter
  ['checkpoint', file('down_blocks.0.resnets.0.conv1.weight')],
  ['checkpoint', file('conditioner.embedders.0.transformer.x')],
  ['controlnet', file('control_model.input_blocks.0.0.weight')],
  ['textual-inversion', file('emb_params')],
  ['textual-inversion', file('clip_l')],
  ['textual-inversion', file('<cat-toy>')],
  // What LyCORIS, peft, diffusers and kohya's scripts write; each was: made for another model.
  [
    'dora',
    file(
      'lora_unet_mid_block.lora_down.weight',
      'lora_unet_mid_block.lora_up.weight',
      'lora_unet_mid_block.dora_scale',
    ),
  ],
  ['dora', file('base_model.model.x.lora_A.weight', 'base_model.model.x.lora_magnitude_vector.weight')],
  ['dora', file('unet.x.lora.down.weight', 'unet.x.lora_magnitude_vector')],
  ['loha', file('lora_unet_mid_block.hada_w1_a', 'lora_unet_mid_block.hada_w1_b')],
  ['loha', file('base_model.model.x.hada_w1_a', 'base_model.model.x.hada_w2_b')],
  ['lokr', file('lora_unet_mid_block.lokr_w1', 'lora_unet_mid_block.alpha')],
  ['lokr', file('base_model.model.x.lokr_w2_a', 'base_model.model.x.lokr_w1')],
  ['oft', file('lora_unet_mid_block.oft_blocks', 'lora_unet_mid_block.alpha')],
  ['oft', file('lora_unet_mid_block.oft_diag')],
  ['oft', file('base_model.model.x.oft_R.weight')],
  ['oft', file('base_model.model.x.boft_R', 'base_model.model.x.boft_s')],
  ['ia3', file('lora_unet_mid_block.weight', 'lora_unet_mid_block.on_input')],
  ['full-difference', file('lora_unet_mid_block.diff', 'lora_unet_mid_block.diff_b')],
  ['sdxl', file('lora_unet_mid_block.lora_down.weight', 'lora_te2_text_model_encoder_layers_0_mlp_fc1.alpha')],
  ['sdxl', file('lora_unet_input_blocks_4_1_transformer_blocks_1_attn1_to_q.lora_down.weight')],
  ['sdxl', file('unet.down_blocks.1.attentions.0.transformer_blocks.1.attn1.to_q.lora.down.weight')],
  ['sdxl', file('diffusion_model.label_emb.0.0.lora_down.weight')],
  ['sdxl', xlWide],
  ['flux', file('lora_unet_double_blocks_0_img_attn_proj.lora_down.weight')],
  ['flux', file('transformer.single_transformer_blocks.1.attn.to_q.lora_A.weight')],
  ['flux', file('diffusion_model.double_blocks.0.img_attn.qkv.hada_w1_a')], // first of all it is for FLUX
  ['newer-family', file('lora_unet_joint_blocks_1_x_block_attn_qkv.lora_down.weight')],
  ['newer-family', file('transformer.transformer_blocks.1.attn.to_q.lora_A.weight')],
  ['newer-family', file('diffusion_model.blocks.0.self_attn.q.lora_A.weight')],
  ['other-adapter', file('lora_unet_mid_block.lora_down.weight', 'lora_unet_mid_block_norm.w_norm')],
  ['text-only', file('lora_te_x.lora_down.weight', 'lora_te_x.lora_up.weight', 'lora_te_x.alpha')],
  ['text-only', file('clip_l.text_model.x.lora_up.weight', 'bundle_emb.sks.clip_l')],
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
