import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Two suites that can be run alone: `node` needs nothing but Node; `gpu` runs the WGSL on Dawn (see test/gpu/device.ts).
export default defineConfig({
  test: {
    projects: [
      // The plugin compiles the runes of ui/state.
      {
        plugins: [svelte()],
        test: { name: 'node', include: ['test/**/*.test.ts'], exclude: ['test/gpu/**', 'test/e2e/**'] },
      },
      {
        test: {
          name: 'gpu',
          include: ['test/gpu/**/*.test.ts'],
          testTimeout: 120_000,
          hookTimeout: 120_000,
          fileParallelism: false,
        },
      },
    ],
  },
});
