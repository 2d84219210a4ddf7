import { group } from '../../cli/command.ts';
import { Exit } from '../../cli/io.ts';
import { localCommand } from '../globals.ts';

const refused = 'there is no IPFS here';

const serve = {
  ...localCommand({
    name: 'serve',
    summary: `not here: ${refused}`,
    args: '',
    flags: {},
    run: async () => {
      throw new Exit(125, `ipfs registry serve: ${refused}`);
    },
  }),
  refused,
};

/** The commands of `nerdctl ipfs`. */
export default [group('registry', `not here: ${refused}`, [serve])];
