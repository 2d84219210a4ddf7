import checkpointContainer from './checkpoint.ts';
import createContainer from './create.ts';
import deleteContainer from './delete.ts';
import containerInfo from './info.ts';
import labelContainer from './label.ts';
import listContainers from './list.ts';
import restoreContainer from './restore.ts';

export default [
  createContainer,
  deleteContainer,
  containerInfo,
  listContainers,
  labelContainer,
  checkpointContainer,
  restoreContainer,
];
