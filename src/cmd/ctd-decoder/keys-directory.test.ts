import { expect, test } from 'bun:test';
import { generateKeyPairSync } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keysIn } from './keys-directory.ts';

test('what is no private key is passed over: others, directories, links that lead nowhere', async () => {
  const directory = mkdtempSync('/tmp/berth-keys-');
  try {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const pem = privateKey.export({ type: 'pkcs8', format: 'pem' });
    writeFileSync(join(directory, 'key.pem'), pem);
    writeFileSync(join(directory, 'public.pem'), publicKey.export({ type: 'spki', format: 'pem' }));
    writeFileSync(
      join(directory, 'locked.pem'),
      privateKey.export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }),
    );
    writeFileSync(join(directory, 'notes'), 'not a key');
    mkdirSync(join(directory, 'folder'));
    symlinkSync('/nowhere/key', join(directory, 'gone'));
    const keys = await keysIn(directory);
    expect(keys.map((key) => key.export({ type: 'pkcs8', format: 'pem' }))).toEqual([pem]);
    expect(await keysIn(join(directory, 'absent'))).toEqual([]);
    for (let i = 0; i < 257; i++) writeFileSync(join(directory, `f${i}`), '');
    await expect(keysIn(directory)).rejects.toThrow('more than 256 files');
  } finally {
    rmSync(directory, { recursive: true });
  }
});
