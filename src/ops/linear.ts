// linear: y = x Wᵀ (+ bias) (+ scale · (x downᵀ) lowᵀ) (+ addend); x (…, k), W (n, k) → y (…, n). Also every 1×1 convolution, since activations are NHWC.
import type { Graph } from '../graph/graph.ts';
import type { Node, Op, Tensors } from '../graph/op.ts';
import { describeTensor, lastDim, numel, type Tensor } from '../tensor/tensor.ts';
import { accumulate } from './add.ts';
import { type Gemm, gemm, gemmFlops } from './gemm.ts';

const rows = (t: Tensor): number => numel(t.shape) / lastDim(t.shape);
const expectWidth = (op: string, what: string, t: Tensor | undefined, expected: number): void => {
  if (t && lastDim(t.shape) !== expected)
    throw new Error(`${op}: ${what} must be ${expected} wide, ${t.name} is ${describeTensor(t)}`);
};

/**
 * The adapter of LoRA (arXiv 2106.09685) rides along in the same sums: down = A (r, k), h = x Aᵀ (…, r) which another linear made, low = B (n, r),
 * scale = α/r · strength (1). The gradients of all three are emitted here, so that dx too is one product: h has none of its own.
 */
export const linear: Op = {
  name: 'linear',
  shape: ({ x, w, bias, down, low, h, scale, addend }) => {
    if (!x || !w || w.shape.length !== 2)
      throw new Error(
        `linear: expected x (…, k) and w (n, k), got ${x && describeTensor(x)} and ${w && describeTensor(w)}`,
      );
    const [n, k] = w.shape as [number, number];
    expectWidth('linear', `x for ${w.name}`, x, k);
    expectWidth('linear', 'bias', bias, n);
    expectWidth('linear', 'addend', addend, n);
    const adapter = [down, h, low, scale].filter((t) => t !== undefined);
    if (adapter.length % 4 !== 0) throw new Error(`linear ${w.name}: an adapter is down, h, low and scale together`);
    if (low) expectWidth('linear', 'h', h, lastDim(low.shape));
    expectWidth('linear', 'down', down, k);
    return { y: { shape: [...x.shape.slice(0, -1), n] } };
  },
  vjp(g, { inputs }, { y: dy }, back) {
    const { x, w, down, h, low, scale } = inputs;
    if (!dy || !w) return;
    if (down && h && low && scale) {
      const dh = grad(g, linearDx, { dy, w: low, scale }, 'dx');
      back.give('low', () => grad(g, linearDw, { dy, x: h, scale }, 'dw', low));
      back.give('down', () => grad(g, linearDw, { dy: dh, x }, 'dw', down));
      back.give('x', (addend) => grad(g, linearDx, { dy, w, h: dh, low: down, addend }, 'dx'));
    } else back.give('x', (addend) => grad(g, linearDx, { dy, w, addend }, 'dx'));
    back.give('w', () => grad(g, linearDw, { dy, x }, 'dw', w));
    back.give('addend', (soFar) => accumulate(g, soFar, dy));
  },
  flops: (node) => gemmFlops(forward(node)),
  launches: (node, target) => gemm(forward(node), target),
};

function forward({ inputs, outputs }: Node): Gemm {
  const { x, w, bias, h, low, scale, addend } = inputs as { x: Tensor; w: Tensor } & Partial<Tensors>;
  const y = outputs.y as Tensor;
  const [n, k] = w.shape as [number, number];
  return {
    m: rows(x),
    n,
    k,
    aLayout: 'row',
    bLayout: 'nk',
    a: { tensor: x, stride: k },
    b: { tensor: w, stride: k },
    y: { tensor: y, stride: n },
    bias,
    lowRank: h && low && scale ? { h, low, scale } : undefined,
    addend,
  };
}

const grad = (g: Graph, op: Op, inputs: Record<string, Tensor | undefined>, name: string, param?: Tensor): Tensor =>
  g.emit(op, inputs, {}, param ? { [name]: g.gradOf(param) } : {})[name] as Tensor;

/** dx = (scale ·) dy W (+ h low) (+ addend): dy (…, n), W (n, k), h (…, r), low (r, k) → dx (…, k). The same weights, read along their rows. */
export const linearDx: Op = {
  name: 'linear-dx',
  shape: ({ dy, w }) => ({ dx: { shape: [...(dy as Tensor).shape.slice(0, -1), lastDim((w as Tensor).shape)] } }),
  flops: (node) => gemmFlops(inputGradient(node)),
  launches: (node, target) => gemm(inputGradient(node), target),
};

function inputGradient({ inputs, outputs }: Node): Gemm {
  const { dy, w, h, low, scale, addend } = inputs as { dy: Tensor; w: Tensor } & Partial<Tensors>;
  const [n, k] = w.shape as [number, number];
  return {
    m: rows(dy),
    n: k,
    k: n,
    aLayout: 'row',
    bLayout: 'kn',
    a: { tensor: dy, stride: n },
    b: { tensor: w, stride: k },
    y: { tensor: outputs.dx as Tensor, stride: k },
    lowRank: h && low ? { h, low } : undefined,
    scale,
    addend,
  };
}

/** dw += (scale ·) dyᵀ x: dy (…, n), x (…, k) → dw (n, k), added to what the gradient buffer holds. Only LoRA factors have one. */
export const linearDw: Op = {
  name: 'linear-dw',
  shape: ({ dy, x }) => ({
    dw: { shape: [lastDim((dy as Tensor).shape), lastDim((x as Tensor).shape)], dtype: 'f32' },
  }),
  flops: (node) => gemmFlops(weightGradient(node)),
  launches: (node, target) => gemm(weightGradient(node), target),
};

function weightGradient({ inputs, outputs }: Node): Gemm {
  const { dy, x, scale } = inputs as { dy: Tensor; x: Tensor } & Partial<Tensors>;
  const [n, k] = [lastDim(dy.shape), lastDim(x.shape)];
  return {
    m: n,
    n: k,
    k: rows(dy),
    aLayout: 'col',
    bLayout: 'kn',
    a: { tensor: dy, stride: n },
    b: { tensor: x, stride: k },
    y: { tensor: outputs.dw as Tensor, stride: k },
    scale,
    accumulate: true,
  };
}
