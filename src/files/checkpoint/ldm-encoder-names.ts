// A tensor's name in a single-file (LDM) checkpoint's VAE or text encoder in; the same tensor's name in diffusers out. Names only.

const VAE_ATTENTION: Readonly<Record<string, string>> = {
  norm: 'group_norm',
  q: 'to_q',
  k: 'to_k',
  v: 'to_v',
  proj_out: 'to_out.0',
};

/** `decoder.up.3.block.0.nin_shortcut.weight` → `decoder.up_blocks.0.resnets.0.conv_shortcut.weight`: LDM counts the way up from its end. */
export function vaeName(key: string, levels: number): string | null {
  if (/^(post_)?quant_conv\.(weight|bias)$/.test(key)) return key;
  const [, half, module, kind] = /^(encoder|decoder)\.(.+)\.(weight|bias)$/.exec(key) ?? [];
  const name = module && vaeModule(module, levels);
  return name ? `${half}.${name}.${kind}` : null;
}

function vaeModule(module: string, levels: number): string | null {
  if (module === 'conv_in' || module === 'conv_out') return module;
  if (module === 'norm_out') return 'conv_norm_out';
  const [, resnet, leaf] = /^mid\.block_([12])\.(.+)$/.exec(module) ?? [];
  if (resnet) return `mid_block.resnets.${Number(resnet) - 1}.${leaf}`;
  const attention = VAE_ATTENTION[/^mid\.attn_1\.(.+)$/.exec(module)?.[1] ?? ''];
  if (attention) return `mid_block.attentions.0.${attention}`;
  const [, way, at, rest] = /^(down|up)\.(\d+)\.(.+)$/.exec(module) ?? [];
  if (!way || !rest) return null;
  const block = `${way}_blocks.${way === 'down' ? Number(at) : levels - 1 - Number(at)}`;
  if (rest === `${way}sample.conv`) return `${block}.${way}samplers.0.conv`;
  const inner = /^block\.(\d+\..+)$/.exec(rest)?.[1];
  return inner ? `${block}.resnets.${inner.replace('nin_shortcut', 'conv_shortcut')}` : null;
}

/** How many levels the VAE has. */
export function vaeLevels(keys: Iterable<string>): number {
  let levels = 0;
  for (const key of keys) {
    const at = /^encoder\.down\.(\d+)\./.exec(key)?.[1];
    if (at) levels = Math.max(levels, Number(at) + 1);
  }
  return levels;
}

/** A text tensor in diffusers: all of the LDM one, or the `part`-th third of its rows. */
export interface TextName {
  key: string;
  part: 0 | 1 | 2 | null;
}

/** OpenAI's CLIP, as transformers names it, with or without `text_model.`; or OpenCLIP. Empty for what is no weight of ours. */
export function textNames(key: string): TextName[] {
  const clip = /^transformer\.(?:text_model\.)?((?:embeddings|encoder|final_layer_norm)\..+)$/.exec(key)?.[1];
  if (clip) return clip.endsWith('position_ids') ? [] : [{ key: `text_model.${clip}`, part: null }];
  const open = /^model\.(.+)$/.exec(key)?.[1];
  return open ? openClipNames(open) : [];
}

const OPENCLIP: Readonly<Record<string, string>> = {
  'token_embedding.weight': 'embeddings.token_embedding.weight',
  positional_embedding: 'embeddings.position_embedding.weight',
  'ln_final.weight': 'final_layer_norm.weight',
  'ln_final.bias': 'final_layer_norm.bias',
};
const OPENCLIP_LAYER: Readonly<Record<string, string>> = {
  ln_1: 'layer_norm1',
  ln_2: 'layer_norm2',
  'attn.out_proj': 'self_attn.out_proj',
  'mlp.c_fc': 'mlp.fc1',
  'mlp.c_proj': 'mlp.fc2',
};
/** Stable Diffusion 2 reads the hidden states before the last of 24 layers, so that diffusers leaves the last one away. */
const OPENCLIP_LAYERS = 23;

function openClipNames(key: string): TextName[] {
  if (OPENCLIP[key]) return [{ key: `text_model.${OPENCLIP[key]}`, part: null }];
  const [, layer, leaf, kind] = /^transformer\.resblocks\.(\d+)\.(.+)[._](weight|bias)$/.exec(key) ?? [];
  if (!leaf || Number(layer) >= OPENCLIP_LAYERS) return [];
  const name = `text_model.encoder.layers.${Number(layer)}`;
  if (leaf === 'attn.in_proj')
    return (['q', 'k', 'v'] as const).map((p, part) => ({
      key: `${name}.self_attn.${p}_proj.${kind}`,
      part: part as 0 | 1 | 2,
    }));
  return OPENCLIP_LAYER[leaf] ? [{ key: `${name}.${OPENCLIP_LAYER[leaf]}.${kind}`, part: null }] : [];
}
