// Names of one LoRA module in the programs' worlds: a diffusers module name in, its kohya and diffusers file keys out; any tensor key of a LoRA
// file in, what it is a part of out.
import { ldmModules } from '../files/checkpoint/ldm-unet-names.ts';

/** `lora_unet_down_blocks_0_…_attn1_to_q` for `down_blocks.0.….attn1.to_q`. */
export const kohyaName = (module: string): string => `lora_unet_${module.replaceAll('.', '_')}`;

/** `unet.down_blocks.0.….attn1.to_q.lora.down.weight`, as train_dreambooth_lora.py writes it. */
export const diffusersKey = (module: string, part: 'down' | 'up'): string => `unet.${module}.lora.${part}.weight`;

/** `mid`: of a convolution in three factors (LyCORIS's Tucker form). */
export type LoraPart = 'down' | 'up' | 'mid' | 'alpha';
/** What one tensor of a LoRA file is. `module` is spelled as the file has it: look it up with moduleFinder. */
export type LoraKey =
  | { kind: LoraPart; module: string }
  | { kind: 'text-encoder' }
  | { kind: 'embedding' }
  | { kind: 'other' };

/** What stands before a module's name, and which side it puts the tensor on; the first that matches counts. */
const SIDES: readonly (readonly [RegExp, 'embedding' | 'text-encoder' | 'unet'])[] = [
  [/^bundle_emb\./, 'embedding'],
  [/^(lora_te\d?|clip_l|text_encoders?(_\d)?)[._]/, 'text-encoder'], // kohya, OneTrainer, diffusers and ComfyUI
  [/^(base_model\.model\.)?(text_encoder\.)?text_model\./, 'text-encoder'], // PEFT
  [/^lora_unet[._]/, 'unet'], // kohya; OneTrainer with dots
  [/^(base_model\.model\.)?(unet\.)?((model\.)?diffusion_model\.)?/, 'unet'], // PEFT, diffusers, ComfyUI
];

/** How a module's tensors are called behind its name. */
const PARTS: readonly (readonly [RegExp, LoraPart])[] = [
  [/[._](lora_down|lora\.down|lora_A(\.[^.]+)?|lora_linear_layer\.down)\.weight$/, 'down'],
  [/[._](lora_up|lora\.up|lora_B(\.[^.]+)?|lora_linear_layer\.up)\.weight$/, 'up'],
  [/\.lora_mid\.weight$/, 'mid'],
  [/\.alpha$/, 'alpha'],
];

// diffusers ≤ 0.20: `….attn1.processor.to_q_lora.down.weight`, and `to_out_lora` for `to_out.0`.
const OLD_PROCESSOR = /\.processor\.to_(q|k|v|out)_lora\.(down|up)\.weight$/;
const today = (key: string): string =>
  key.replace(
    OLD_PROCESSOR,
    (_, name: string, part: string) => `.to_${name === 'out' ? 'out.0' : name}.lora.${part}.weight`,
  );

/** Recognises every spelling of a key that SIDES and PARTS name. */
export function parseLoraKey(key: string): LoraKey {
  const name = today(key);
  const [prefix, side] = SIDES.find(([sign]) => sign.test(name)) as (typeof SIDES)[number];
  if (side !== 'unet') return { kind: side };
  for (const [pattern, kind] of PARTS) {
    const found = pattern.exec(name);
    if (found) return { kind, module: name.slice(0, found.index).replace(prefix, '') };
  }
  return { kind: 'other' };
}

/**
 * Looks modules up by any spelling: diffusers' or LDM's name, with dots or underscores. Underscores cannot be turned back into dots by themselves
 * (`to_out_0`, `down_blocks_0`), so the model's own names decide.
 */
export function moduleFinder<M extends { name: string }>(modules: readonly M[]): (spelled: string) => M | undefined {
  const own = new Map(modules.map((module) => [module.name, module]));
  const spelled = new Map<string, M>();
  const add = (name: string, module: M) => spelled.set(name, module).set(name.replaceAll('.', '_'), module);
  for (const [ldm, name] of ldmModules(own.keys())) {
    const module = own.get(name);
    if (module) add(ldm, module);
  }
  for (const module of modules) add(module.name, module);
  return (name) => spelled.get(name);
}
