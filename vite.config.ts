// In: src/, public/. Out: dist/: a page, a module worker, and a service worker that makes both work offline.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';

const MIB = 1024 * 1024;

export default defineConfig({
  base: './', // any static host, any folder
  appType: 'mpa', // a missing file is a 404, never the page: a damaged model must not look like HTML
  worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 1024,
    rolldownOptions: { input: ['index.html', 'automation.html'], checks: { pluginTimings: false } },
  },
  plugins: [
    svelte({ configFile: false }),
    VitePWA({
      registerType: 'prompt', // a new version waits until asked for: src/ui/state/update.svelte.ts
      injectRegister: false,
      includeAssets: [],
      manifest: {
        name: 'Darkroom',
        short_name: 'Darkroom',
        description: 'Teach Stable Diffusion something only you have, on your own graphics card.',
        lang: 'en',
        start_url: './',
        scope: './',
        display: 'standalone',
        categories: ['photo', 'graphics'],
        background_color: '#141312',
        theme_color: '#141312',
        icons: [
          { src: 'icons/icon-192.png', sizes: '192x192', type: 'image/png' },
          { src: 'icons/icon-512.png', sizes: '512x512', type: 'image/png' },
          { src: 'icons/icon-maskable-512.png', sizes: '512x512', type: 'image/png', purpose: 'maskable' },
          { src: 'icons/icon.svg', sizes: 'any', type: 'image/svg+xml' },
        ],
      },
      workbox: {
        // The page, its fonts, onnxruntime's wasm and the sample photos. Model files are the page's own business (IndexedDB): they would be
        // fetched whole by everybody, again with every version.
        globPatterns: ['**/*.{html,js,mjs,css,wasm,woff2,svg,png,json}'],
        globIgnores: ['models/**', 'automation.html', '**/automation-*.js'],
        // Workbox leaves out what is larger than 2 MiB, silently: without this the wasm is missing offline.
        maximumFileSizeToCacheInBytes: 32 * MIB,
        cleanupOutdatedCaches: true,
        clientsClaim: true, // the first visit already works offline; a later version still waits
        navigateFallbackDenylist: [/\/automation\.html$/, /\/models\//],
      },
    }),
  ],
});
