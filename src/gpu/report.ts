// What an adapter says of itself in, a name to show and a guess of its kind out. Browsers say little on purpose, so the guess may be 'unknown'.

/** What the GPU is, before anything is asked of it. `kind` is a guess from the adapter's own words. */
export interface GpuReport {
  name: string;
  kind: 'discrete' | 'integrated' | 'software' | 'unknown';
  vendor: string;
  architecture: string;
  features: string[];
  limits: {
    maxStorageBufferBindingSize: number;
    maxBufferSize: number;
    maxComputeWorkgroupStorageSize: number;
    maxComputeInvocationsPerWorkgroup: number;
  };
}

/** The part of GPUAdapterInfo that is read; everything but `vendor` is often empty. */
export interface AdapterWords {
  vendor: string; // 'nvidia', 'intel', 'amd', 'apple', 'google' …
  architecture: string; // 'ampere', 'xe-lpg', 'swiftshader' …
  device: string;
  description: string; // 'NVIDIA GeForce RTX 3060'
  isFallbackAdapter?: boolean;
}

const SOFTWARE = /swiftshader|llvmpipe|lavapipe|softpipe|basic render|\bwarp\b/;
const INTEL_CARD = /\barc\b|gen-12hp|\bdg[12]\b|hpg/;
// “Radeon Graphics”, “Radeon Vega 8 Graphics”, “Radeon 780M”: parts of a processor, beside “Radeon RX 6600”.
const AMD_BUILT_IN = /radeon(\(tm\))? (vega \d+ )?graphics|radeon(\(tm\))? \d{3}m\b|\bapu\b/;
const PHONE = /^(qualcomm|arm|img-tec|samsung)/;

/** A guess from the adapter's words. Apple's chips share their memory but have no faster sibling to switch to: 'unknown', not 'integrated'. */
export function kindOf(info: AdapterWords): GpuReport['kind'] {
  const vendor = info.vendor.toLowerCase();
  const words = [info.vendor, info.architecture, info.device, info.description].join(' ').toLowerCase();
  if (info.isFallbackAdapter || SOFTWARE.test(words) || info.architecture === 'software') return 'software';
  if (vendor.startsWith('nvidia')) return 'discrete';
  if (vendor.startsWith('intel')) return INTEL_CARD.test(words) ? 'discrete' : 'integrated';
  if (vendor.startsWith('amd'))
    return AMD_BUILT_IN.test(words) ? 'integrated' : /radeon/.test(words) ? 'discrete' : 'unknown';
  return PHONE.test(vendor) ? 'integrated' : 'unknown';
}

/** The best name there is: the description, or vendor and architecture; empty where the browser hides all of it. */
export function nameOf({ vendor, architecture, device, description }: AdapterWords): string {
  if (description) return description;
  const short = [
    vendor === 'amd' || vendor === 'arm' ? vendor.toUpperCase() : capital(vendor),
    capital(architecture || device),
  ];
  return short.filter(Boolean).join(' ');
}

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

export function reportOf(adapter: Pick<GPUAdapter, 'info' | 'features' | 'limits'>): GpuReport {
  const { info, limits } = adapter;
  return {
    name: nameOf(info),
    kind: kindOf(info),
    vendor: info.vendor,
    architecture: info.architecture,
    features: [...adapter.features].sort(),
    limits: {
      maxStorageBufferBindingSize: limits.maxStorageBufferBindingSize,
      maxBufferSize: limits.maxBufferSize,
      maxComputeWorkgroupStorageSize: limits.maxComputeWorkgroupStorageSize,
      maxComputeInvocationsPerWorkgroup: limits.maxComputeInvocationsPerWorkgroup,
    },
  };
}
