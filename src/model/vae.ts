// vae: diffusers' AutoencoderKL in ops. Encoder: pixels (1, H, W, 3) → moments (1, h, w, 2·C); decoder: latents (1, h, w, C) → pixels (1, H, W, 3).
import { Graph } from '../graph/graph.ts';
import { attention } from '../ops/attention.ts';
import type { DType, Tensor } from '../tensor/tensor.ts';
import { type Banded, channelsOf, conv, type Norm, normed, pointwise, rowsPerBand } from './bands.ts';
import type { BuiltGraph } from './graphs.ts';
import { linearLayer } from './lora.ts';
import type { VaeConfig } from './vae-config.ts';

export interface VaeGraphOptions {
  config: VaeConfig;
  height: number; // of the latents
  width: number;
  activations: DType;
  /** No band of a picture is larger, as long as 8 rows are not. */
  bandBytes: number;
  /** Attention's layers are named as in diffusers' first release (`query`, `proj_attn`). */
  oldNames: boolean;
}

/** Names in the `io` buffer; a result that lies in bands has one for each, `<name>.0` from the top. */
export const VAE_IO = { pixels: 'pixels', latents: 'latents', moments: 'moments' } as const;

/** Memory for a band of the full-size pictures: small against them, large enough to fill any card. */
export const BAND_BYTES = 32 * 2 ** 20;

/** Mean and log-variance of the unscaled latents, C channels each, neither clamped. Pixels: −1…1. */
export function encoderGraph(options: VaeGraphOptions): BuiltGraph {
  const { config, height, width } = options;
  const { widths, groups, layersPerBlock, latentChannels } = config;
  const b = builder(options);
  const { g } = b;
  const last = widths.length - 1;
  const size = { height: height * 2 ** last, width: width * 2 ** last };
  const pixels = g.tensor(VAE_IO.pixels, [1, size.height, size.width, 3], 'input');
  const at = (level: number): number => widths[Math.min(level, last)] as number;
  /** Attention looks at all of the lowest level: that is one band. A level begins as wide as the one before it. */
  const rows = (level: number): number =>
    level === last ? height : b.rows(size.width / 2 ** level, Math.max(at(level), at(Math.max(0, level - 1))));
  let x: Banded = { bands: [pixels], ...size };
  x = g.within('encoder.conv_in', () => conv(g, 'encoder.conv_in', x, at(0), { rows: rows(0) }));
  for (let level = 0; level <= last; level++) {
    const block = `encoder.down_blocks.${level}`;
    for (let i = 0; i < layersPerBlock; i++) x = b.resnet(`${block}.resnets.${i}`, x, at(level), rows(level));
    if (level === last) break;
    const name = `${block}.downsamplers.0.conv`;
    x = g.within(name, () => conv(g, name, x, at(level), { size: 'down', rows: rows(level + 1) }));
  }
  x = b.midBlock('encoder.mid_block', x);
  const moments = 2 * latentChannels;
  g.within('encoder.conv_out', () => {
    const norm: Norm = { name: 'encoder.conv_norm_out', groups, silu: true };
    const output = (_: number, shape: readonly number[]): Tensor => g.tensor(VAE_IO.moments, shape, 'output');
    if (!config.quantConv) return conv(g, 'encoder.conv_out', x, moments, { norm, rows: height, output });
    const raw = conv(g, 'encoder.conv_out', x, moments, { norm, rows: height });
    return linearLayer(g, 'quant_conv', raw.bands[0] as Tensor, moments, { y: output(0, [1, height, width, moments]) });
  });
  return { graph: g, forwardCount: g.nodes.length };
}

/** A picture, about −1…1, of latents that are divided by the scaling factor. */
export function decoderGraph(options: VaeGraphOptions): BuiltGraph {
  const { config, height, width } = options;
  const { groups, layersPerBlock, latentChannels } = config;
  const widths = [...config.widths].reverse();
  const last = widths.length - 1;
  const b = builder(options);
  const { g } = b;
  const at = (level: number): number => widths[level] as number;
  const rows = (level: number): number =>
    level === 0 ? height : b.rows(width * 2 ** level, Math.max(at(level), at(level - 1)));
  const latents = g.tensor(VAE_IO.latents, [1, height, width, latentChannels], 'input');
  let x: Banded = { bands: [latents], height, width };
  x = g.within('decoder.conv_in', () => {
    const from = config.postQuantConv ? pointwise(g, 'post_quant_conv', x, latentChannels) : x;
    return conv(g, 'decoder.conv_in', from, at(0), { rows: height });
  });
  x = b.midBlock('decoder.mid_block', x);
  for (let level = 0; level <= last; level++) {
    const block = `decoder.up_blocks.${level}`;
    for (let i = 0; i <= layersPerBlock; i++) x = b.resnet(`${block}.resnets.${i}`, x, at(level), rows(level));
    if (level === last) break;
    const name = `${block}.upsamplers.0.conv`;
    x = g.within(name, () => conv(g, name, x, at(level), { size: 'up', rows: rows(level + 1) }));
  }
  const output = (band: number, shape: readonly number[]): Tensor =>
    g.tensor(`${VAE_IO.pixels}.${band}`, shape, 'output');
  g.within('decoder.conv_out', () => {
    const norm: Norm = { name: 'decoder.conv_norm_out', groups, silu: true };
    conv(g, 'decoder.conv_out', x, 3, { norm, rows: rows(last), output });
  });
  return { graph: g, forwardCount: g.nodes.length };
}

/** The blocks that both halves are made of. */
function builder({ config: { groups, midAttention }, activations, bandBytes, oldNames }: VaeGraphOptions) {
  const g = new Graph(activations);
  const rows = (width: number, channels: number): number => rowsPerBand(width, channels, activations, bandBytes);

  /** ResnetBlock2D without a timestep. */
  const resnet = (name: string, x: Banded, o: number, most: number): Banded =>
    g.within(name, () => {
      const norm = (n: number): Norm => ({ name: `${name}.norm${n}`, groups, silu: true });
      const h = conv(g, `${name}.conv1`, x, o, { norm: norm(1), rows: most });
      const addend = channelsOf(x) === o ? x : pointwise(g, `${name}.conv_shortcut`, x, o);
      return conv(g, `${name}.conv2`, h, o, { norm: norm(2), rows: most, addend });
    });

  /** One head as wide as the channels, over all pixels, and a residual. */
  const attend = (name: string, x: Banded): Banded =>
    g.within(name, () => {
      const { height, width } = x;
      const [c, tokens] = [channelsOf(x), height * width];
      const [now, before] = [
        ['to_q', 'to_k', 'to_v', 'to_out.0'] as const,
        ['query', 'key', 'value', 'proj_attn'] as const,
      ];
      const [toQ, toK, toV, toOut] = oldNames ? before : now;
      const flat = (t: Tensor): Tensor => ({ ...t, shape: [1, tokens, c] });
      const from = flat(normed(g, x, { name: `${name}.group_norm`, groups, silu: false })(0, height));
      const project = (layer: string): Tensor => linearLayer(g, `${name}.${layer}`, from, c);
      const mixed = g.emit(attention, { q: project(toQ), k: project(toK), v: project(toV) }, { heads: 1 }).y as Tensor;
      const out = linearLayer(g, `${name}.${toOut}`, mixed, c, { addend: flat(x.bands[0] as Tensor) });
      return { bands: [{ ...out, shape: [1, height, width, c] }], height, width };
    });

  const midBlock = (name: string, x: Banded): Banded => {
    const before = resnet(`${name}.resnets.0`, x, channelsOf(x), x.height);
    const between = midAttention ? attend(`${name}.attentions.0`, before) : before;
    return resnet(`${name}.resnets.1`, between, channelsOf(x), x.height);
  };
  return { g, rows, resnet, midBlock };
}
