// Names of one LoRA module in three worlds: a diffusers module name in, its kohya and diffusers file keys out; any tensor key of a LoRA file
// in, what it is a part of out.

/** `lora_unet_down_blocks_0_…_attn1_to_q` for `down_blocks.0.….attn1.to_q`. */
export const kohyaName = (module: string): string => `lora_unet_${module.replaceAll('.', '_')}`;

/** `unet.down_blocks.0.….attn1.to_q.lora.down.weight`, as train_dreambooth_lora.py writes it. */
export const diffusersKey = (module: string, part: 'down' | 'up'): string => `unet.${module}.lora.${part}.weight`;

/** What one tensor of a LoRA file is. `module` is dotted (diffusers, PEFT) or underscored (kohya): look it up with moduleFinder. */
export type LoraKey = { kind: 'down' | 'up' | 'alpha'; module: string } | { kind: 'text-encoder' } | { kind: 'other' };

const TEXT_ENCODER = /^(lora_te\d*_|text_encoder(_\d)?\.|base_model\.model\.text_model\.|text_model\.)/;
const UNET_PREFIX = /^(base_model\.model\.)?(unet\.)?/;
const PARTS: readonly (readonly [RegExp, 'down' | 'up' | 'alpha'])[] = [
  [/\.(lora_down|lora\.down|lora_A(\.default)?)\.weight$/, 'down'],
  [/\.(lora_up|lora\.up|lora_B(\.default)?)\.weight$/, 'up'],
  [/\.alpha$/, 'alpha'],
];
// diffusers ≤ 0.20: `….attn1.processor.to_q_lora.down.weight`, and `to_out_lora` for `to_out.0`.
const OLD_PROCESSOR = /\.processor\.(to_q|to_k|to_v|to_out)_lora\.(down|up)\.weight$/;

/** Recognises kohya's, diffusers' (new and old) and PEFT's spelling of a key. */
export function parseLoraKey(key: string): LoraKey {
  if (TEXT_ENCODER.test(key)) return { kind: 'text-encoder' };
  const old = OLD_PROCESSOR.exec(key);
  if (old) {
    const projection = old[1] === 'to_out' ? 'to_out.0' : old[1];
    return {
      kind: old[2] as 'down' | 'up',
      module: `${key.slice(0, old.index).replace(UNET_PREFIX, '')}.${projection}`,
    };
  }
  for (const [pattern, kind] of PARTS) {
    const found = pattern.exec(key);
    if (found) return { kind, module: key.slice(0, found.index).replace(UNET_PREFIX, '') };
  }
  return { kind: 'other' };
}

/**
 * Looks modules up by either spelling. kohya's underscores cannot be turned back into dots by themselves (`to_out_0`, `down_blocks_0`), so the
 * model's own names decide.
 */
export function moduleFinder<M extends { name: string }>(modules: readonly M[]): (name: string) => M | undefined {
  const byName = new Map<string, M>();
  for (const module of modules) {
    byName.set(module.name, module);
    byName.set(kohyaName(module.name), module);
  }
  return (name) => byName.get(name);
}
