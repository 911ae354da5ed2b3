// A U-Net tensor's name in a single-file (LDM) checkpoint in; the same tensor's name in diffusers out. Names only: no file, no shape.

const ENDS: Readonly<Record<string, string>> = {
  'input_blocks.0.0': 'conv_in',
  'time_embed.0': 'time_embedding.linear_1',
  'time_embed.2': 'time_embedding.linear_2',
  'out.0': 'conv_norm_out',
  'out.2': 'conv_out',
};
const RESNET: Readonly<Record<string, string>> = {
  'in_layers.0': 'norm1',
  'in_layers.2': 'conv1',
  'emb_layers.1': 'time_emb_proj',
  'out_layers.0': 'norm2',
  'out_layers.3': 'conv2',
  skip_connection: 'conv_shortcut',
};
const BLOCK = 'transformer_blocks.0';
const TRANSFORMER: readonly string[] = [
  'norm',
  'proj_in',
  'proj_out',
  ...[1, 2].flatMap((n) => ['to_q', 'to_k', 'to_v', 'to_out.0'].map((layer) => `${BLOCK}.attn${n}.${layer}`)),
  ...['norm1', 'norm2', 'norm3', 'ff.net.0.proj', 'ff.net.2'].map((layer) => `${BLOCK}.${layer}`),
];

/**
 * `input_blocks.1.0.in_layers.0.weight` → `down_blocks.0.resnets.0.norm1.weight`; null for a name that no U-Net of the family has.
 * LDM counts the blocks of all levels in one row, each level being `layers` resnets and a downsampler, on the way up one resnet more.
 */
export function unetName(key: string, layers: number): string | null {
  const [, module, kind] = /^(.+)\.(weight|bias)$/.exec(key) ?? [];
  if (!module) return null;
  const end = ENDS[module];
  if (end) return `${end}.${kind}`;
  const [, row, first, rest] = /^(input_blocks|middle_block|output_blocks)\.(\d+)\.(.+)$/.exec(module) ?? [];
  if (!row || !rest) return null;
  const name = row === 'middle_block' ? middle(Number(first), rest) : outer(row, Number(first), rest, layers);
  return name && `${name}.${kind}`;
}

function middle(index: number, leaf: string): string | null {
  if (index === 1) return `mid_block.attentions.0.${leaf}`;
  return RESNET[leaf] ? `mid_block.resnets.${index / 2}.${RESNET[leaf]}` : null;
}

function outer(row: string, index: number, rest: string, layers: number): string | null {
  const slot = rest[0];
  const leaf = rest.slice(2);
  const down = row === 'input_blocks';
  const at = down ? index - 1 : index; // input_blocks.0 is conv_in
  const block = `${down ? 'down_blocks' : 'up_blocks'}.${Math.floor(at / (layers + 1))}`;
  const place = at % (layers + 1);
  if (leaf === 'op') return `${block}.downsamplers.0.conv`;
  if (leaf === 'conv') return `${block}.upsamplers.0.conv`; // the second of its block, or the third behind an attention
  if (slot === '0') return RESNET[leaf] ? `${block}.resnets.${place}.${RESNET[leaf]}` : null;
  return `${block}.attentions.${place}.${leaf}`;
}

/**
 * Every LDM name of a module of the U-Net with its diffusers name, as [LDM's, diffusers'], by the diffusers names of its modules. Some of the pairs
 * are of places that this U-Net does not have; none when the names are no U-Net's.
 */
export function* ldmModules(modules: Iterable<string>): Generator<[ldm: string, diffusers: string]> {
  let layers = 0;
  let blocks = 0;
  for (const name of modules) {
    const [, block, place] = /^(?:down|up)_blocks\.(\d+)\.(?:resnets|attentions)\.(\d+)\./.exec(name) ?? [];
    blocks = Math.max(blocks, Number(block ?? -1) + 1);
    if (name.startsWith('down_')) layers = Math.max(layers, Number(place ?? -1) + 1);
  }
  if (layers === 0) return;
  const places = Array.from({ length: blocks * (layers + 1) + 1 }, (_, i) => i);
  const rows = [
    ...Object.keys(ENDS),
    ...places.flatMap((i) =>
      [0, 1, 2].flatMap((slot) =>
        LEAF_NAMES.flatMap((leaf) => [`input_blocks.${i}.${slot}.${leaf}`, `output_blocks.${i}.${slot}.${leaf}`]),
      ),
    ),
    ...[0, 1, 2].flatMap((i) => LEAF_NAMES.map((leaf) => `middle_block.${i}.${leaf}`)),
  ];
  for (const ldm of rows) {
    const name = unetName(`${ldm}.weight`, layers);
    if (name) yield [ldm, name.slice(0, -'.weight'.length)];
  }
}

/** How many resnets a level has on the way down, by the place of the first downsampler; null where there is none. */
export function resnetsPerBlock(keys: Iterable<string>): number | null {
  let first = Number.POSITIVE_INFINITY;
  for (const key of keys) {
    const at = /^input_blocks\.(\d+)\.0\.op\.weight$/.exec(key)?.[1];
    if (at) first = Math.min(first, Number(at) - 1);
  }
  return Number.isFinite(first) && first >= 1 ? first : null;
}

const withoutDots = (name: string): string => name.replaceAll('.', '');
const LEAF_NAMES: readonly string[] = [...Object.keys(RESNET), ...TRANSFORMER, 'op', 'conv'];
const LEAVES = new Map(LEAF_NAMES.map((leaf) => [withoutDots(leaf), leaf]));
const MODULES = new Map(Object.keys(ENDS).map((module) => [withoutDots(module), module]));

/** An averaged (EMA) twin's name, which is written without dots, with them: `input_blocks10in_layers0weight` → `input_blocks.1.0.in_layers.0.weight`. */
export function fromTwinName(name: string): string | null {
  const [, module, kind] = /^(.+)(weight|bias)$/.exec(name) ?? [];
  if (!module) return null;
  const end = MODULES.get(module);
  if (end) return `${end}.${kind}`;
  const [, row, digits, flat] = /^(input_blocks|middle_block|output_blocks)(\d+)(\D.*)$/.exec(module) ?? [];
  const leaf = LEAVES.get(flat ?? '');
  if (!row || !digits || !leaf) return null;
  if (row === 'middle_block') return `${row}.${digits}.${leaf}.${kind}`;
  return `${row}.${digits.slice(0, -1)}.${digits.slice(-1)}.${leaf}.${kind}`; // the place within a block has one digit
}
