import { group } from '../../cli/command.ts';
import activeContent from './active.ts';
import deleteContent from './delete.ts';
import editContent from './edit.ts';
import fetchContent from './fetch.ts';
import fetchBlob from './fetch-blob.ts';
import fetchObject from './fetch-object.ts';
import getContent from './get.ts';
import ingestContent from './ingest.ts';
import labelContent from './label.ts';
import listContent from './list.ts';
import { pruneReferences } from './prune.ts';
import pushObject from './push-object.ts';
import whyContent from './why.ts';

export default [
  activeContent,
  deleteContent,
  editContent,
  fetchContent,
  fetchObject,
  fetchBlob,
  getContent,
  ingestContent,
  listContent,
  pushObject,
  labelContent,
  group('prune', 'prunes content from the content store', [pruneReferences]),
  whyContent,
];
