import { flag, list, number, text } from '../../cli/flags.ts';

const signatures = 'there is no cosign and no notation here to sign and verify with';
const ipfs = 'there is no IPFS here';
const lazy = 'images are fetched whole: there is nothing here that makes or reads an index of SOCI';
const trust = 'there is no content trust here: see --verify';

/** Flags of `pull` and `push` for programs that are not here. */
export const refusedTransferFlags = {
  'cosign-key': text('', { refused: signatures }),
  'disable-content-trust': flag('', { refused: trust }),
  'ipfs-address': text('', { refused: ipfs }),
};
export const refusedPullFlags = {
  ...refusedTransferFlags,
  'cosign-certificate-identity': text('', { refused: signatures }),
  'cosign-certificate-identity-regexp': text('', { refused: signatures }),
  'cosign-certificate-oidc-issuer': text('', { refused: signatures }),
  'cosign-certificate-oidc-issuer-regexp': text('', { refused: signatures }),
  'soci-index-digest': text('', { refused: lazy }),
  verify: text('', { refused: signatures }),
};
export const refusedPushFlags = {
  ...refusedTransferFlags,
  estargz: flag('', { refused: 'there is nothing here that makes eStargz layers' }),
  'ipfs-ensure-image': flag('', { refused: ipfs }),
  'notation-key-name': text('', { refused: signatures }),
  sign: text('', { refused: signatures }),
  'soci-min-layer-size': number('', { refused: lazy }),
  'soci-span-size': number('', { refused: lazy }),
};

const gpg = { refused: 'there is no GPG here: use keys of the kind jwe' };

/** Flags of `image encrypt` and `image decrypt` for other kinds of keys. */
export const refusedCryptFlags = {
  'dec-recipient': list('', { refused: 'certificates of PKCS7 are not read here: use keys of the kind jwe' }),
  'gpg-homedir': text('', gpg),
  'gpg-version': text('', gpg),
};

const noTool = (format: string) => ({ refused: `there is nothing here that makes ${format}` });

/** Flags of `image convert` for forms that other programs make. */
export const refusedConvertFlags = {
  erofs: flag('', noTool('EROFS layers')),
  'erofs-compressors': text('', noTool('EROFS layers')),
  'erofs-mkfs-options': text('', noTool('EROFS layers')),
  estargz: flag('', noTool('eStargz layers')),
  'estargz-chunk-size': number('', noTool('eStargz layers')),
  'estargz-compression-level': number('', noTool('eStargz layers')),
  'estargz-external-toc': flag('', noTool('eStargz layers')),
  'estargz-gzip-helper': text('', noTool('eStargz layers')),
  'estargz-keep-diff-id': flag('', noTool('eStargz layers')),
  'estargz-min-chunk-size': number('', noTool('eStargz layers')),
  'estargz-record-in': text('', noTool('eStargz layers')),
  nydus: flag('', noTool('nydus images')),
  'nydus-builder-path': text('', noTool('nydus images')),
  'nydus-prefetch-patterns': text('', noTool('nydus images')),
  'nydus-work-dir': text('', noTool('nydus images')),
  'nydus-compressor': text('', noTool('nydus images')),
  overlaybd: flag('', noTool('overlaybd layers')),
  'overlaybd-dbstr': text('', noTool('overlaybd layers')),
  'overlaybd-fs-type': text('', noTool('overlaybd layers')),
  'overlaybd-vsize': number('', noTool('overlaybd layers')),
  soci: flag('', noTool('indexes of SOCI')),
  'soci-min-layer-size': number('', noTool('indexes of SOCI')),
  'soci-span-size': number('', noTool('indexes of SOCI')),
  zstdchunked: flag('', noTool('layers of the form zstd:chunked: see --zstd')),
  'zstdchunked-chunk-size': number('', noTool('layers of the form zstd:chunked')),
  'zstdchunked-compression-level': number('', noTool('layers of the form zstd:chunked')),
  'zstdchunked-record-in': text('', noTool('layers of the form zstd:chunked')),
};
