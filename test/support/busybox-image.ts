import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { sha256 } from './fake-registry.ts';
import { type SampleImage, type SampleLayer, sampleImage } from './sample-image.ts';

const applets = [
  'id',
  'stty',
  'touch',
  'pwd',
  'sh',
  'true',
  'false',
  'sleep',
  'usleep',
  'echo',
  'cat',
  'ls',
  'dd',
  'yes',
  'head',
  'kill',
  'ps',
];

/** An image with this machine's static busybox under the names of some of its programs. @throws when there is none, or no tar */
export function busyboxImage(): SampleImage {
  const directory = mkdtempSync(join(tmpdir(), 'berth-busybox-'));
  try {
    fillBusyboxRoot(directory, applets);
    return sampleImage([tarLayer(directory)]);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Makes an existing directory a root file system with busybox under these names. @throws when there is none */
export function fillBusyboxRoot(directory: string, names: readonly string[]): void {
  for (const name of ['bin', 'etc', 'dev', 'proc', 'sys', 'tmp', 'run']) mkdirSync(join(directory, name));
  copyFileSync('/bin/busybox', join(directory, 'bin/busybox'));
  for (const name of names) symlinkSync('busybox', join(directory, 'bin', name));
}

/** A directory as a gzipped layer, as GNU tar packs it. */
export function tarLayer(directory: string): SampleLayer {
  const packed = spawnSync('tar', ['--numeric-owner', '-C', directory, '-cf', '-', '.'], { maxBuffer: 1 << 30 });
  if (packed.status !== 0) throw new Error(`tar: ${packed.stderr}`);
  return layerOf(packed.stdout);
}

/** These bytes, whatever they are, as a gzipped layer. */
export function layerOf(tar: Buffer): SampleLayer {
  const blob = gzipSync(tar, { level: 1 });
  const mediaType = 'application/vnd.oci.image.layer.v1.tar+gzip';
  return { tar, blob, diffId: sha256(tar), descriptor: { mediaType, digest: sha256(blob), size: blob.length } };
}
