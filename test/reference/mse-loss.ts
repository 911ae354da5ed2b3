// mseLoss, CPU twin: pred, target (n) → mean((pred − target)²); and dpred. f64.
import type { Values } from './values.ts';

export function mseLoss(pred: Values, target: Values): number {
  let sum = 0;
  for (let i = 0; i < pred.length; i++) sum += (pred[i]! - target[i]!) ** 2;
  return sum / pred.length;
}

/** scale · 2/n · (pred − target): the gradient of scale · mseLoss. */
export const mseLossBackward = (pred: Values, target: Values, scale: number): Float64Array =>
  Float64Array.from(pred, (p, i) => (scale * 2 * (p - target[i]!)) / pred.length);
