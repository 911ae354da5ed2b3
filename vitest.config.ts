import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vitest/config';

// Suites that can be run alone: `node` needs nothing but Node; `gpu` runs the WGSL on Dawn (see test/gpu/device.ts); `firefox` the page in Firefox.
export default defineConfig({
  test: {
    projects: [
      // The plugin compiles the runes of ui/state.
      {
        plugins: [svelte()],
        test: {
          name: 'node',
          include: ['test/**/*.test.ts'],
          exclude: ['test/gpu/**', 'test/e2e/**', 'test/firefox/**'],
          testTimeout: 60_000, // no test waits for a clock; the browsers' tests take the other core, and more
        },
      },
      {
        test: {
          name: 'gpu',
          include: ['test/gpu/**/*.test.ts'],
          testTimeout: 600_000, // lavapipe compiles a kernel when it first runs: two minutes for the largest, where the browser tests take the other core
          hookTimeout: 600_000,
          fileParallelism: false,
        },
      },
      {
        test: {
          name: 'firefox',
          include: ['test/firefox/**/*.test.ts'],
          testTimeout: 600_000,
          hookTimeout: 600_000,
          fileParallelism: false, // software WebGPU takes all cores as it is
        },
      },
    ],
  },
});
