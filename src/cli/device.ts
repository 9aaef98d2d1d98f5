import { Command, InvalidArgumentError } from 'commander';
import { parseMoment } from '../config/units.ts';
import { type DeviceShown, listDevices, startDevice } from '../server/admin/devices.ts';
import { type CommonOptions, officeCommand } from './options.ts';
import { print, table } from './output.ts';
import { perform } from './perform.ts';

export function deviceCommand(): Command {
  return new Command('device')
    .description('POP3 devices of a person: each has its own view of the mail')
    .addCommand(list())
    .addCommand(start());
}

function list(): Command {
  return officeCommand(
    'list',
    'list the devices that fetch mail over POP3, by the names of their app passwords',
    'rainmail device list anna@example.org',
  )
    .argument('<account>')
    .action(async (account: string, options: CommonOptions) => {
      const devices = await perform(listDevices, { account }, options);
      const row = ({ name, lastSeen, silent, start, shared }: DeviceShown) => [
        name,
        lastSeen.slice(0, 10),
        start?.slice(0, 10) ?? 'the beginning',
        [
          ...(silent ? ['silent: it holds nothing any more'] : []),
          ...(shared === null ? [] : [`used by two programs at once on ${shared.slice(0, 10)}: give each its own`]),
        ].join('; '),
      ];
      print(devices, options, () =>
        table(['DEVICE', 'LAST SEEN', 'MAIL SINCE', ''], devices.map(row), 'No device has fetched mail over POP3.'),
      );
    });
}

function start(): Command {
  return officeCommand(
    'start',
    'show a device only what came from a date on: for the change from IMAP with years of mail',
    'rainmail device start anna@example.org laptop 2026-11-23',
  )
    .argument('<account>')
    .argument('<device>', 'name of its app password; "password" for the account’s own')
    .argument('<date>', 'such as 2026-11-23; "none" shows everything', startDate)
    .action(async (account: string, device: string, date: number, options: CommonOptions) => {
      const { name, start, earlier } = await perform(startDevice, { account, device, start: date }, options);
      print({ name, start, earlier }, options, () =>
        [
          start === null ? `${name} is shown all mail.` : `${name} is shown what came since ${start}.`,
          ...(earlier ? ['That is earlier than before: it will fetch older mail now.'] : []),
        ].join('\n'),
      );
    });
}

/** Seconds since 1970. */
function startDate(text: string): number {
  if (text === 'none') return 0;
  const moment = parseMoment(text, Date.now());
  if (moment === undefined) throw new InvalidArgumentError('write it like 2026-11-23, or none');
  return Math.floor(moment / 1_000);
}
