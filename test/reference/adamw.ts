// adamw, CPU twin: one clipped step of torch.optim.AdamW over flat lists, with loss scaling and skipped steps. Plain f64.

export interface AdamwSettings {
  learningRates: readonly number[];
  clip: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  weightDecay: number;
  dynamicLossScale: boolean;
  growthInterval: number;
  largestScale: number;
}

/** Everything that goes on from step to step. */
export interface AdamwRun {
  params: number[];
  m: number[];
  v: number[];
  step: number;
  lossScale: number;
  goodSteps: number;
  skipped: number;
  gradientNorm: number;
  clipCoefficient: number;
}

/** Advances `run` by gradients that are multiplied by run.lossScale. */
export function adamwStep(run: AdamwRun, scaled: readonly number[], s: AdamwSettings): void {
  const norm = Math.sqrt(scaled.reduce((sum, g) => sum + g * g, 0)) / run.lossScale;
  if (!Number.isFinite(norm)) {
    run.skipped++;
    run.goodSteps = 0;
    if (s.dynamicLossScale) run.lossScale = Math.max(1, run.lossScale / 2);
    return;
  }
  run.gradientNorm = norm;
  run.clipCoefficient = s.clip > 0 ? Math.min(1, s.clip / (norm + 1e-6)) : 1;
  const learningRate = s.learningRates[Math.min(run.step, s.learningRates.length - 1)]!;
  run.step++;
  scaled.forEach((g, i) => {
    const grad = (g / run.lossScale) * run.clipCoefficient;
    run.params[i]! *= 1 - learningRate * s.weightDecay;
    run.m[i]! += (grad - run.m[i]!) * (1 - s.beta1);
    run.v[i] = run.v[i]! * s.beta2 + grad * grad * (1 - s.beta2);
    const denominator = Math.sqrt(run.v[i]!) / Math.sqrt(1 - s.beta2 ** run.step) + s.epsilon;
    run.params[i]! -= (learningRate / (1 - s.beta1 ** run.step)) * (run.m[i]! / denominator);
  });
  if (s.dynamicLossScale && ++run.goodSteps === s.growthInterval) {
    run.goodSteps = 0;
    run.lossScale = Math.max(run.lossScale, Math.min(run.lossScale * 2, s.largestScale));
  }
}
