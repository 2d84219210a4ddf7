import checkImages from './check.ts';
import convertImage from './convert.ts';
import decryptImage from './decrypt.ts';
import deleteImage from './delete.ts';
import encryptImage from './encrypt.ts';
import exportImage from './export.ts';
import importImage from './import.ts';
import inspectImage from './inspect.ts';
import labelImage from './label.ts';
import listImages from './list.ts';
import mount from './mount.ts';
import pruneImages from './prune.ts';
import pullImage from './pull.ts';
import pushImage from './push.ts';
import tagImage from './tag.ts';
import unmount from './unmount.ts';
import imageUsage from './usage.ts';
import whyImage from './why.ts';

export default [
  checkImages,
  exportImage,
  importImage,
  inspectImage,
  listImages,
  mount,
  unmount,
  pullImage,
  pushImage,
  pruneImages,
  deleteImage,
  tagImage,
  labelImage,
  convertImage,
  decryptImage,
  encryptImage,
  imageUsage,
  whyImage,
];
