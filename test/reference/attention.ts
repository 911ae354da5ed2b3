// attention, CPU twin: q (B, T, heads·D), k and v (B, S, heads·D) → y (B, T, heads·D); and dq, dk, dv from dy. Plain f64 loops.
import type { Values } from './values.ts';

export interface AttentionDims {
  batch: number;
  queries: number; // T
  keys: number; // S
  heads: number;
  headDim: number; // D
}

/** y = softmax(q kᵀ / √D) v per head (torch scaled_dot_product_attention); head h is channels h·D … h·D + D − 1. */
export function attention(q: Values, k: Values, v: Values, d: AttentionDims): Float64Array {
  const y = new Float64Array(d.batch * d.queries * d.heads * d.headDim);
  eachRow(q, k, d, (p, queryAt, keyAt) => {
    for (let s = 0; s < d.keys; s++) for (let c = 0; c < d.headDim; c++) y[queryAt + c]! += p[s]! * v[keyAt(s) + c]!;
  });
  return y;
}

/** With P = softmax(S): dP = dy vᵀ, dS = P ∘ (dP − Σ_s P dP), dq = dS k / √D, dk = dSᵀ q / √D, dv = Pᵀ dy. */
export function attentionBackward(q: Values, k: Values, v: Values, dy: Values, d: AttentionDims) {
  const dq = new Float64Array(q.length);
  const dk = new Float64Array(k.length);
  const dv = new Float64Array(v.length);
  const scale = 1 / Math.sqrt(d.headDim);
  eachRow(q, k, d, (p, queryAt, keyAt) => {
    const dp = new Float64Array(d.keys);
    let pdp = 0;
    for (let s = 0; s < d.keys; s++) {
      for (let c = 0; c < d.headDim; c++) dp[s]! += dy[queryAt + c]! * v[keyAt(s) + c]!;
      pdp += p[s]! * dp[s]!;
    }
    for (let s = 0; s < d.keys; s++) {
      const ds = p[s]! * (dp[s]! - pdp) * scale;
      for (let c = 0; c < d.headDim; c++) {
        dq[queryAt + c]! += ds * k[keyAt(s) + c]!;
        dk[keyAt(s) + c]! += ds * q[queryAt + c]!;
        dv[keyAt(s) + c]! += p[s]! * dy[queryAt + c]!;
      }
    }
  });
  return { dq, dk, dv };
}

/** Calls `row` with the softmax of every (batch, head, query), where that query's head starts in q and y, and where a key's does in k and v. */
function eachRow(
  q: Values,
  k: Values,
  d: AttentionDims,
  row: (p: Float64Array, queryAt: number, keyAt: (s: number) => number) => void,
): void {
  const inner = d.heads * d.headDim;
  for (let b = 0; b < d.batch; b++)
    for (let h = 0; h < d.heads; h++)
      for (let t = 0; t < d.queries; t++) {
        const queryAt = (b * d.queries + t) * inner + h * d.headDim;
        const keyAt = (s: number): number => (b * d.keys + s) * inner + h * d.headDim;
        const scores = Float64Array.from({ length: d.keys }, (_, s) => {
          let dot = 0;
          for (let c = 0; c < d.headDim; c++) dot += q[queryAt + c]! * k[keyAt(s) + c]!;
          return dot / Math.sqrt(d.headDim);
        });
        const top = scores.reduce((a, b) => Math.max(a, b));
        const e = scores.map((s) => Math.exp(s - top));
        const sum = e.reduce((a, b) => a + b);
        row(
          e.map((x) => x / sum),
          queryAt,
          keyAt,
        );
      }
}
