import aptLibrary from './apt-library.sh';
import commit from './commit.sh';
import engineLibrary from './engine-library.sh';
import factsLibrary from './facts-library.sh';
import install from './install.sh';
import library from './library.sh';
import uninstall from './uninstall.sh';
import upgrade from './upgrade.sh';

// The programs that hosts are sent. The texts are constant: what varies comes on stdin.

export const factsProgram = `${library}${factsLibrary}facts\n`;
/** The same, after waiting for a change that was left to the host alone. */
export const settledFactsProgram = `${library}${factsLibrary}settle\nfacts\n`;
export const installProgram = `${library}${aptLibrary}${factsLibrary}${install}`;
export const commitProgram = `${library}${engineLibrary}${commit}`;
export const upgradeProgram = `${library}${aptLibrary}${engineLibrary}${upgrade}`;
export const uninstallProgram = `${library}${aptLibrary}${uninstall}`;
