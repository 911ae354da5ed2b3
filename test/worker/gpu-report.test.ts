// Names and kinds of adapters from their own words, and what asking for a GPU does where there is none.
import { describe, expect, it, vi } from 'vitest';
import { findAdapter, requestGpu } from '../../src/gpu/device.ts';
import { type AdapterWords, kindOf, nameOf, reportOf } from '../../src/gpu/report.ts';

const words = (vendor: string, architecture = '', description = ''): AdapterWords => ({
  vendor,
  architecture,
  device: '',
  description,
});

describe('the kind of a GPU', () => {
  it.each([
    ['software', words('google', 'swiftshader', 'SwiftShader driver 5.0.0')],
    ['software', words('mesa', 'software', 'llvmpipe: Mesa 25.0.7 (LLVM 15.0.6)')],
    ['software', words('microsoft', '', 'Microsoft Basic Render Driver')],
    ['software', { ...words('nvidia', 'ampere'), isFallbackAdapter: true }],
    ['discrete', words('nvidia', 'lovelace')],
    ['integrated', words('intel', 'xe-lpg')],
    ['integrated', words('intel', 'gen-9', 'Intel(R) UHD Graphics 620')],
    ['discrete', words('intel', 'gen-12hp', 'Intel(R) Arc(TM) A770 Graphics')],
    ['discrete', words('intel', 'xe-2hpg')],
    ['integrated', words('amd', 'rdna-3', 'AMD Radeon 780M Graphics')],
    ['integrated', words('amd', 'gcn-5', 'AMD Radeon(TM) Vega 8 Graphics')],
    ['integrated', words('amd', 'rdna-2', 'AMD Radeon(TM) Graphics')],
    ['discrete', words('amd', 'rdna-2', 'AMD Radeon RX 6600 XT')],
    ['unknown', words('amd', 'rdna-2')], // the same architecture is in cards and processors
    ['unknown', words('apple', 'metal-3')],
    ['integrated', words('qualcomm', 'adreno-7xx')],
    ['unknown', words('')],
  ] as const)('%s: %o', (kind, info) => {
    expect(kindOf(info)).toBe(kind);
  });

  it('has the best name there is, and none where all is hidden: never one name for all nameless cards', () => {
    expect(nameOf(words('nvidia', 'ampere', 'NVIDIA GeForce RTX 3060'))).toBe('NVIDIA GeForce RTX 3060');
    expect(nameOf(words('nvidia', 'ampere'))).toBe('Nvidia Ampere');
    expect(nameOf(words('amd', 'rdna-2'))).toBe('AMD Rdna-2');
    expect(nameOf(words(''))).toBe('');
  });
});

const limits = {
  maxStorageBufferBindingSize: 1 << 30,
  maxBufferSize: 1 << 30,
  maxComputeWorkgroupStorageSize: 16384,
  maxComputeInvocationsPerWorkgroup: 256,
} as GPUSupportedLimits;

/** navigator.gpu with one adapter, which remembers what was asked. */
function machine() {
  const asked: unknown[] = [];
  const adapter = {
    info: words('nvidia', 'ampere') as GPUAdapterInfo,
    features: new Set(['shader-f16', 'subgroups']) as GPUSupportedFeatures,
    limits,
    requestDevice: async (descriptor: unknown) => {
      asked.push(descriptor);
      return Object.assign(new EventTarget(), { lost: new Promise(() => {}) }) as unknown as GPUDevice;
    },
  } as unknown as GPUAdapter;
  const gpu = {
    requestAdapter: async (options: unknown) => {
      asked.push(options);
      return adapter;
    },
  } as unknown as GPU;
  return { gpu, adapter, asked };
}

describe('asking for a GPU', () => {
  it('asks for the fast one, its largest buffers and no feature', async () => {
    const { gpu, asked, adapter } = machine();
    const { report } = await requestGpu(gpu);
    expect(asked).toEqual([
      { powerPreference: 'high-performance' },
      { requiredLimits: { maxStorageBufferBindingSize: 1 << 30, maxBufferSize: 1 << 30 } },
    ]);
    expect(report).toEqual(reportOf(adapter));
    expect(report.features).toEqual(['shader-f16', 'subgroups']);
  });

  it('says what is missing', async () => {
    await expect(findAdapter(undefined)).rejects.toMatchObject({ code: 'no-webgpu' });
    vi.stubGlobal('isSecureContext', false);
    vi.stubGlobal('location', { origin: 'http://box.lan' });
    const refused = { code: 'not-secure', facts: { address: 'http://box.lan' } };
    await expect(findAdapter(undefined)).rejects.toMatchObject(refused).finally(vi.unstubAllGlobals);
    const none = { requestAdapter: async () => null } as unknown as GPU;
    await expect(requestGpu(none)).rejects.toMatchObject({ code: 'no-adapter' });
  });
});
