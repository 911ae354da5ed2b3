// In: settings; out: memory, file size and time of the order that the plan gives for the demo model and for SD 1.5; made up in detail.
import type { Forecast, TrainingSettings } from '../../src/worker/api.ts';

export function fakeForecast(settings: TrainingSettings, msPerStep: number | null): Forecast {
  const { resolution, weights, activations, rank } = settings;
  const small = resolution <= 128;
  const area = (resolution / 512) ** 2;
  const gpuBytes = {
    weights: small ? 14e6 : weights === 'f16' ? 1.72e9 : 0.92e9,
    arena: small ? 96e6 : (activations === 'f16' ? 0.26e9 : 0.5e9) * area,
    lora: rank * 1.2e6,
    staging: 0.6e6,
    total: 0,
  };
  gpuBytes.total = gpuBytes.weights + gpuBytes.arena + gpuBytes.lora + gpuBytes.staging;
  const preview = gpuBytes.weights + gpuBytes.arena * 0.7;
  return {
    gpuBytes,
    phases: [
      { phase: 'encode', gpuBytes: 0, ramBytes: small ? 9e7 : 2.1e9 * area + 5e8, ms: msPerStep && 9 * msPerStep },
      { phase: 'train', gpuBytes: gpuBytes.total, ramBytes: 0, ms: msPerStep },
      { phase: 'preview', gpuBytes: preview, ramBytes: 0, ms: msPerStep && 14 * msPerStep },
      {
        phase: 'decode',
        gpuBytes: preview,
        ramBytes: small ? 9e7 : 2.4e9 * area + 3e8,
        ms: msPerStep && 40 * msPerStep,
      },
    ],
    peakGpuBytes: gpuBytes.total,
    flopsPerStep: small ? 9e9 : 2.4e12 * area,
    momentBytes: { packed: 400_000 * rank, f32: 1_600_000 * rank },
    adapterBytes: (small ? 61_000 : 399_000) * rank + 9000,
    msPerStep: msPerStep && msPerStep * (small ? 1 : area),
  };
}
