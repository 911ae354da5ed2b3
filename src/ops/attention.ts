// attention: y = softmax(q kᵀ / √d) v per head; q (B, T, C), k and v (B, S, C) → y (B, T, C). Scores exist for a block of query rows at a time.
import type { Launch, Node, Op, Target } from '../graph/op.ts';
import { describeTensor, lastDim, type Tensor } from '../tensor/tensor.ts';
import { type Gemm, gemm, type MatrixView } from './gemm.ts';

interface Sizes {
  b: number;
  t: number;
  s: number;
  c: number;
  heads: number;
  d: number;
  stride: number; // of a score row: keys rounded up to whole vec4s, the rest zeros
  rows: number; // query rows a block
}

/** Without a target: all rows at once, which is enough to count FLOPs. */
function sizes({ inputs, attrs }: Node, target?: Target): Sizes {
  const { q, k } = inputs as { q: Tensor; k: Tensor };
  const [b, t, c] = q.shape as [number, number, number];
  const s = k.shape[1] as number;
  const heads = Number(attrs.heads);
  const stride = Math.ceil(s / 4) * 4;
  const most = target ? Math.max(1, Math.floor(target.scoreBytes / (4 * b * heads * stride))) : t;
  const blocks = Math.ceil(t / most);
  return { b, t, s, c, heads, d: c / heads, stride, rows: Math.ceil(t / blocks) };
}

const scores = (node: Node, target: Target) => {
  const { b, heads, rows, stride } = sizes(node, target);
  return { shape: [b, heads, rows, stride], dtype: 'f32' as const };
};
/** f16 values are stored in pairs: a head of odd width would share its last word with the next head. */
const outputType = (c: number, heads: number) => ((c / heads) % 2 === 1 ? { dtype: 'f32' as const } : {});

/** attrs: { heads }. Saves the log-sum-exp of every row, (B, heads, T), so that the backward pass need not keep the scores. */
export const attention: Op = {
  name: 'attention',
  shape: ({ q, k, v }, { heads }) => {
    const c = q && lastDim(q.shape);
    if (!q || !k || !v || lastDim(k.shape) !== c || k.shape.join() !== v.shape.join() || k.shape[0] !== q.shape[0])
      throw new Error(
        `attention: expected q (B, T, C) and k, v (B, S, C), got ${[q, k, v].map((x) => x && describeTensor(x)).join(', ')}`,
      );
    if (c % Number(heads) !== 0) throw new Error(`attention: ${c} channels do not divide into ${heads} heads`);
    const [b, t] = q.shape as [number, number];
    return {
      y: { shape: q.shape, ...outputType(c, Number(heads)) },
      lse: { shape: [b, Number(heads), t], dtype: 'f32' },
    };
  },
  scratch: (node, target) => ({ p: scores(node, target) }),
  vjp(g, { inputs, outputs, attrs }, { y: dy }, back) {
    if (!dy) return;
    const d = g.emit(attentionBackward, { ...inputs, lse: outputs.lse, dy }, attrs);
    for (const name of ['q', 'k', 'v'] as const) back.give(name, (soFar) => once(name, soFar, d[`d${name}`] as Tensor));
  },
  flops: (node) => {
    const { b, heads, t, s, d } = sizes(node);
    return 4 * b * heads * t * s * d;
  },
  launches(node, target) {
    const z = sizes(node, target);
    const { q, k, v } = node.inputs as { q: Tensor; k: Tensor; v: Tensor };
    const { y, lse, p } = node.outputs as { y: Tensor; lse: Tensor; p: Tensor };
    return blocks(z).flatMap(({ first, rows }) => {
      const of = products(z, target, first, rows);
      return [
        ...of.scores(q, k, p, z.d ** -0.5),
        softmaxLaunch(z, target, 'forward', first, rows, {}, { s: p, lse }),
        ...of.queries(p, v, y),
      ];
    });
  },
};

const once = (name: string, soFar: Tensor | undefined, dx: Tensor): Tensor => {
  if (soFar) throw new Error(`attention: ${name} has another consumer; its gradients would have to be added`);
  return dx;
};

/** q, k, v, lse, dy → dq, dk, dv. The scores of each block are computed again; dk and dv are added up block after block, in order. */
export const attentionBackward: Op = {
  name: 'attention-backward',
  shape: ({ q, k, v }, { heads }) => {
    const type = outputType(lastDim((q as Tensor).shape), Number(heads));
    return {
      dq: { shape: (q as Tensor).shape, ...type },
      dk: { shape: (k as Tensor).shape, ...type },
      dv: { shape: (v as Tensor).shape, ...type },
    };
  },
  scratch: (node, target) => ({ p: scores(node, target), dp: scores(node, target) }),
  flops: (node) => {
    const { b, heads, t, s, d } = sizes(node);
    return 10 * b * heads * t * s * d;
  },
  launches(node, target) {
    const z = sizes(node, target);
    const { q, k, v, lse, dy } = node.inputs as Record<'q' | 'k' | 'v' | 'lse' | 'dy', Tensor>;
    const { dq, dk, dv, p, dp } = node.outputs as Record<'dq' | 'dk' | 'dv' | 'p' | 'dp', Tensor>;
    const alpha = z.d ** -0.5;
    return blocks(z).flatMap(({ first, rows }) => {
      const of = products(z, target, first, rows);
      return [
        ...of.scores(q, k, p, alpha),
        ...of.scores(dy, v, dp),
        softmaxLaunch(z, target, 'backward', first, rows, { lse }, { s: p, dp }),
        ...of.queries(dp, k, dq, alpha),
        ...of.keys(dp, q, dk, alpha),
        ...of.keys(p, dy, dv),
      ];
    });
  },
};

const blocks = (z: Sizes): { first: number; rows: number }[] =>
  Array.from({ length: Math.ceil(z.t / z.rows) }, (_, i) => ({
    first: i * z.rows,
    rows: Math.min(z.rows, z.t - i * z.rows),
  }));

/** One head of (B, tokens, C), from token `first` on. */
const tokens = (z: Sizes, tensor: Tensor, first = 0): MatrixView => ({
  tensor,
  stride: z.c,
  base: first * z.c,
  batch: (tensor.shape[1] as number) * z.c,
  head: z.d,
});
/** One head's scores (rows, keys) in scratch. */
const blockView =
  (z: Sizes, rows: number) =>
  (tensor: Tensor): MatrixView => ({
    tensor,
    stride: z.stride,
    batch: z.heads * rows * z.stride,
    head: rows * z.stride,
  });

/** The three products of a block of query rows, each times `alpha`: all that attention multiplies, forward and backward. */
function products(z: Sizes, target: Target, first: number, rows: number) {
  const block = blockView(z, rows);
  const product = (g: Omit<Gemm, 'batches'>) => gemm({ ...g, batches: { images: z.b, heads: z.heads } }, target);
  return {
    /** Scores of the block's rows (a) against all keys (b): p = a bᵀ. */
    scores: (a: Tensor, b: Tensor, p: Tensor, alpha = 1): Launch[] =>
      product({
        ...{ m: rows, n: z.s, k: z.d, aLayout: 'row', bLayout: 'nk', alpha },
        ...{ a: tokens(z, a, first), b: tokens(z, b), y: block(p) },
      }),
    /** The block's rows of y, from its scores and all keys' rows: y = p b. */
    queries: (p: Tensor, b: Tensor, y: Tensor, alpha = 1): Launch[] =>
      product({
        ...{ m: rows, n: z.d, k: z.s, aLayout: 'row', bLayout: 'kn', alpha },
        ...{ a: block(p), b: tokens(z, b), y: tokens(z, y, first) },
      }),
    /** The block's part of every key's row, from its scores and its rows of b: y += pᵀ b. */
    keys: (p: Tensor, b: Tensor, y: Tensor, alpha = 1): Launch[] =>
      product({
        ...{ m: z.s, n: z.d, k: rows, aLayout: 'col', bLayout: 'kn', alpha, accumulate: first > 0 },
        ...{ a: block(p), b: tokens(z, b, first), y: tokens(z, y) },
      }),
  };
}

function softmaxLaunch(
  z: Sizes,
  target: Target,
  direction: 'forward' | 'backward',
  first: number,
  rows: number,
  reads: Record<string, Tensor>,
  writes: Record<string, Tensor>,
): Launch {
  const operand = ([name, tensor]: [string, Tensor]) => [name, { tensor, width: name === 'lse' ? 1 : 4 }] as const;
  return {
    shader: 'softmax',
    entry: direction,
    defines: { DIRECTION: direction, GROUP: Math.min(64, target.reductionThreads), WIDTH: 4 },
    dims: { keys: z.s, quads: z.stride / 4, rows, tokens: z.t, first_row: first },
    reads: Object.fromEntries(Object.entries(reads).map(operand)),
    writes: Object.fromEntries(Object.entries(writes).map(operand)),
    workgroups: [rows, z.b * z.heads, 1],
    flops: 0,
  };
}
