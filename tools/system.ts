// In: this machine. Out: browsers and a software GPU installed where that is ours to do (Debian, as root), or one sentence on what to install.
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findChromium, NO_CHROMIUM } from './chromium.ts';
import { findFirefox, NO_FIREFOX } from './firefox.ts';
import { lavapipe, namedDriver, softwareDriver } from './vulkan.ts';

const SOURCES = '/etc/apt/sources.list.d';
const ours = existsSync('/etc/debian_version') && process.getuid?.() === 0;

/** undefined when there is a browser now, else what to do. */
export function ensureChromium(): string | undefined {
  if (findChromium()) return;
  if (ours) apt(['chromium']);
  return findChromium() ? undefined : NO_CHROMIUM;
}

/** undefined when there is a Firefox now, and lavapipe where it needs one, else what to do. */
export function ensureFirefox(): string | undefined {
  if (!findFirefox() && ours) apt(['firefox-esr']);
  return findFirefox() ? ensureLavapipe() : NO_FIREFOX;
}

/**
 * undefined when a Vulkan driver in software is here (lavapipe, else the SwiftShader that Debian's chromium brings) or none is needed (macOS and
 * Windows have their own GPU interface), else what to do.
 */
export function ensureVulkan(): string | undefined {
  const missing = ensureLavapipe();
  return missing && softwareDriver() === undefined ? missing : undefined;
}

function ensureLavapipe(): string | undefined {
  if (process.platform !== 'linux' || namedDriver()) return;
  const here = () => lavapipe() !== undefined && !tooOld();
  if (!here() && ours) installLavapipe();
  if (here()) return;
  return 'No software Vulkan driver was found that is new enough. Install Mesa 25 or newer (Debian 12: mesa-vulkan-drivers from bookworm-backports; Debian 13, Ubuntu 24.04 and Fedora: mesa-vulkan-drivers).';
}

/** Mesa 22, which Debian 12 has of its own, knows too little Vulkan for Dawn. */
function tooOld(): boolean {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: dpkg's own format
  const { status, stdout } = spawnSync('dpkg-query', ['-W', '-f', '${Version}', 'mesa-vulkan-drivers'], {
    encoding: 'utf8',
  });
  return status === 0 && Number.parseInt(stdout, 10) < 25;
}

/** Debian 12's own Mesa is too old for Dawn, its backports are not. They are asked for this once, through a copy of the machine's own source. */
function installLavapipe(): void {
  const release = readFileSync('/etc/os-release', 'utf8').match(/^VERSION_CODENAME=(.*)$/m)?.[1];
  if (release !== 'bookworm') {
    apt(['libvulkan1', 'mesa-vulkan-drivers']);
    return;
  }
  const own = join(SOURCES, 'debian.sources');
  if (!existsSync(own)) return; // apt is set up in a way that we do not know: Chromium's SwiftShader is the second choice
  const stanza = readFileSync(own, 'utf8').split(/\n\s*\n/)[0] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'darkroom-apt-'));
  try {
    cpSync(SOURCES, folder, { recursive: true });
    writeFileSync(
      join(folder, 'darkroom.sources'),
      `${stanza.replace(/^Suites:.*$/m, `Suites: ${release}-backports`)}\n`,
    );
    apt(['-t', `${release}-backports`, 'libvulkan1', 'mesa-vulkan-drivers'], ['-o', `Dir::Etc::SourceParts=${folder}`]);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function apt(packages: string[], options: string[] = []): void {
  console.log(`Installing ${packages.at(-1)} (apt-get) …`);
  const run = (...words: string[]) =>
    spawnSync('apt-get', ['-qq', ...options, ...words], {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    });
  run('update');
  run('install', '-y', '--no-install-recommends', ...packages);
}
