// In: src/, public/. Out: dist/: a page, a module worker, a service worker that makes both work offline, and the policy that lets nothing leave.
import { svelte } from '@sveltejs/vite-plugin-svelte';
import { defineConfig, type Plugin } from 'vite';
import { VitePWA } from 'vite-plugin-pwa';
import { contentPolicy, metaPolicy } from './src/storage/content-policy.ts';

const MIB = 1024 * 1024;
/** A folder of Stable Diffusion 1.5 on another host than the page's, which the page may then ask. */
const mirror = process.env.DARKROOM_MIRROR;
const policy = contentPolicy(mirror);
/** The page's own address, with a slash at its end. */
const address = process.env.DARKROOM_ADDRESS;

/** The policy in the page itself, and in a `_headers` file for the hosts that read one (Netlify, Cloudflare Pages). */
const nothingLeaves: Plugin = {
  name: 'nothing-leaves',
  apply: 'build', // the development server speaks to its page by means that the policy forbids
  transformIndexHtml: (html) => ({
    // Whoever shows a link's picture asks for it by its whole address, which only the one who builds knows.
    html: address ? html.replace('content="/card.png"', `content="${new URL('card.png', address).href}"`) : html,
    tags: [
      {
        tag: 'meta',
        attrs: { 'http-equiv': 'Content-Security-Policy', content: metaPolicy(policy) },
        injectTo: 'head-prepend',
      },
    ],
  }),
  generateBundle() {
    this.emitFile({ type: 'asset', fileName: '_headers', source: `/*\n  Content-Security-Policy: ${policy}\n` });
  },
};

export default defineConfig({
  base: './', // any static host, any folder
  appType: 'mpa', // a missing file is a 404, never the page: a damaged model must not look like HTML
  define: { 'import.meta.env.DARKROOM_MIRROR': JSON.stringify(mirror) ?? 'undefined' },
  preview: { headers: { 'Content-Security-Policy': policy } },
  worker: { format: 'es', rolldownOptions: { checks: { pluginTimings: false } } },
  build: {
    target: 'es2022',
    chunkSizeWarningLimit: 1024,
    rolldownOptions: { input: ['index.html', 'automation.html'], checks: { pluginTimings: false } },
  },
  plugins: [
    // Runes in all: without one of them a component would be compiled as Svelte 4's, whose bindings differ.
    svelte({ configFile: false, compilerOptions: { runes: true } }),
    nothingLeaves,
    VitePWA({
      strategies: 'injectManifest',
      srcDir: 'src',
      filename: 'sw.ts', // keeps the name: who has an earlier version asks for sw.js,
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
      injectManifest: {
        // The page, its fonts, onnxruntime's wasm and the sample photos. Model files are the page's own business (IndexedDB): they would be
        // fetched whole by everybody, again with every version.
        globPatterns: ['**/*.{html,js,mjs,css,wasm,woff2,svg,png,json}'],
        globIgnores: ['models/**', 'automation.html', '**/automation-*.js', 'card.png'],
        // Workbox leaves out what is larger than 2 MiB, silently: without this the wasm is missing offline.
        maximumFileSizeToCacheInBytes: 32 * MIB,
      },
    }),
  ],
});
