// The names of a LoRA-like file's tensors in; the kind of it that this page does not apply, by its own name, out.
import type { TroubleFacts } from '../trouble.ts';

export type AdapterKind = TroubleFacts['not-an-adapter']['kind'];

/**
 * What gives a kind away; the first match names the file. Families come first: a LoHa for FLUX is first of all for FLUX. Within them FLUX stands
 * before XL, since its blocks are numbered as XL's are.
 */
const REFUSALS: readonly (readonly [AdapterKind, RegExp])[] = [
  ['flux', /(^|[._])(double_blocks|single_blocks|single_transformer_blocks)[._]/],
  [
    'newer-family',
    /^(base_model\.model\.)?(lora_)?transformer[._]|(^|[._])joint_blocks[._]|(^|\.)diffusion_model\.(blocks|layers|transformer_blocks)\./,
  ],
  ['newer-family', /^lora_unet_(blocks|layers|transformer_blocks)_|^lora_(prior|te3|t5|llama)/],
  ['sdxl', /^(lora_te2_|text_encoder_2\.|clip_g[._]|text_encoders\.clip_g\.)|[._](add_embedding|label_emb)[._]/],
  ['sdxl', /[._]transformer_blocks[._][1-9]\d*[._]/],
  ['dora', /[._](dora_scale|lora_magnitude_vector)([._]|$)/],
  ['loha', /[._]hada_(w\d_[ab]|t\d)([._]|$)/],
  ['lokr', /[._]lokr_(w\d(_[ab])?|t\d)([._]|$)/],
  ['oft', /[._](oft_blocks|oft_diag|b?oft_[rRsS])([._]|$)/],
  ['ia3', /[._](on_input|ia3_l)([._]|$)/],
  ['full-difference', /\.(diff|diff_b)$/],
  ['textual-inversion', /^(emb_params|string_to_param\..*|clip_[gl]|<[^>]*>)$/],
];

/** The kind that one of the keys gives away, and that key. */
export function refusedKind(keys: readonly string[]): { kind: AdapterKind; key: string } | null {
  for (const [kind, sign] of REFUSALS) {
    const key = keys.find((name) => sign.test(name));
    if (key !== undefined) return { kind, key };
  }
  return null;
}
