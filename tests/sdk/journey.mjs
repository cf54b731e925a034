// The npm package `cronofy`, unmodified, makes every call that it has and that Slotlink serves.
// Reads what it needs from the JSON in argv[2]; prints a JSON report: step → {answer} or {error}.
import Cronofy from 'cronofy';

const given = JSON.parse(process.argv[2]);
const report = {};

function clientWith(config) {
  const client = new Cronofy(config);
  client.urls.api = given.url;
  return client;
}

async function step(name, call) {
  try {
    report[name] = { answer: await call() };
  } catch (error) {
    report[name] = {
      error: { statusCode: error.statusCode, entity: error.error?.entity, url: error.error?.url, message: error.message },
    };
  }
  return report[name].answer;
}

// The older style of the same calls: a callback as the last argument.
function calledBack(client, method, options) {
  return new Promise((resolve, reject) => {
    client[method](options, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

const application = { client_id: given.client_id, client_secret: given.client_secret };
const maya = clientWith(application);
const granted = await step('applicationCalendar', () => maya.applicationCalendar({ application_calendar_id: 'node-maya' }));
const { calendars } = await step('listCalendars', () => maya.listCalendars());
const [{ calendar_id, profile_id }] = calendars;
const sub = granted.sub;

await step('userInfo', () => maya.userInfo());
await step('accountInformation', () => maya.accountInformation());
await step('profileInformation', () => maya.profileInformation());
await step('userInfo with a callback', () => calledBack(maya, 'userInfo', {}));
await step('createCalendar', () => maya.createCalendar({ profile_id, name: 'Second' }));
await step('createCalendar twice', () => maya.createCalendar({ profile_id, name: 'Second' }));
const second = report.createCalendar.answer.calendar.calendar_id;

const event = { calendar_id, event_id: 'busy', summary: 'Busy', start: given.at['10'], end: given.at['11'] };
await step('createEvent', () => maya.createEvent(event));
await step('createEvent elsewhere', () => maya.createEvent({ ...event, calendar_id: second, event_id: 'other' }));
await step('readEvents', () => maya.readEvents({ tzid: 'Etc/UTC', include_managed: true }));
await step('readEvents of one calendar', () =>
  maya.readEvents({ tzid: 'Etc/UTC', include_managed: true, include_moved: false, calendar_ids: [second] }));
await step('readEvents of two calendars', () =>
  maya.readEvents({ tzid: 'Etc/UTC', include_managed: true, calendar_ids: [calendar_id, second] }));
await step('freeBusy', () => maya.freeBusy({ tzid: 'Etc/UTC', include_managed: true, calendar_ids: [calendar_id] }));
await step('deleteEvent', () => maya.deleteEvent({ calendar_id: second, event_id: 'other' }));
await step('readEvents after deleteEvent', () => maya.readEvents({ tzid: 'Etc/UTC', only_managed: true }));

const rule = {
  availability_rule_id: 'default',
  tzid: 'America/Chicago',
  weekly_periods: [{ day: 'monday', start_time: '09:30', end_time: '24:00' }],
};
await step('upsertAvailabilityRule', () => maya.upsertAvailabilityRule(rule));
await step('upsertAvailabilityRule with calendars', () =>
  maya.upsertAvailabilityRule({ ...rule, availability_rule_id: 'two words', calendar_ids: [calendar_id] }));
await step('upsertAvailabilityRule, 422', () => maya.upsertAvailabilityRule({ ...rule, tzid: 'Mars', weekly_periods: [{}] }));
await step('listAvailabilityRules', () => maya.listAvailabilityRules());
await step('readAvailabilityRule', () => maya.readAvailabilityRule({ availability_rule_id: 'two words' }));
await step('deleteAvailabilityRule', () => maya.deleteAvailabilityRule({ availability_rule_id: 'two words' }));
await step('readAvailabilityRule, 404', () => maya.readAvailabilityRule({ availability_rule_id: 'two words' }));
await step('deleteAvailabilityRule, 404', () => maya.deleteAvailabilityRule({ availability_rule_id: 'two words' }));

for (const [id, from, to] of [['a', '9', '10'], ['b', '11', '12']]) {
  await step(`upsertAvailablePeriod ${id}`, () =>
    maya.upsertAvailablePeriod({ available_period_id: id, start: given.at[from], end: given.at[to] }));
}
await step('listAvailablePeriods', () => maya.listAvailablePeriods());
await step('listAvailablePeriods, localized', () =>
  maya.listAvailablePeriods({ from: given.at['9'].slice(0, 10), tzid: 'Asia/Tokyo', localized_times: true }));
await step('listAvailablePeriods, 422', () => maya.listAvailablePeriods({ from: '2027-03-05' }));
await step('deleteAvailablePeriods of one', () => maya.deleteAvailablePeriods({ available_period_id: 'a' }));
await step('listAvailablePeriods after one', () => maya.listAvailablePeriods());
await step('deleteAvailablePeriods', () => maya.deleteAvailablePeriods({ delete_all: true }));
await step('listAvailablePeriods after all', () => maya.listAvailablePeriods());
await step('deleteAvailabilityRule of the last', () => maya.deleteAvailabilityRule({ availability_rule_id: 'default' }));

const opened = await step('createNotificationChannel', () =>
  maya.createNotificationChannel({
    callback_url: `${given.receiver}/node-channel`,
    filters: { calendar_ids: [calendar_id], only_managed: false },
  }));
await step('createNotificationChannel again', () =>
  maya.createNotificationChannel({ callback_url: `${given.receiver}/node-channel`, filters: { calendar_ids: [calendar_id] } }));
await step('createNotificationChannel, 422', () =>
  maya.createNotificationChannel({ callback_url: 'nowhere', filters: { calendar_ids: [] } }));
await step('listNotificationChannels', () => maya.listNotificationChannels());
const { channel_id } = opened.channel;
await step('deleteNotificationChannel', () => maya.deleteNotificationChannel({ channel_id }));
await step('deleteNotificationChannel, 404', () => maya.deleteNotificationChannel({ channel_id }));
await step('listNotificationChannels after deleteNotificationChannel', () => maya.listNotificationChannels());

const crowded = clientWith({ access_token: given.crowded });
const firstPeriods = await step('listAvailablePeriods, page 1', () => crowded.listAvailablePeriods());
await step('listAvailablePeriods, page 2', () =>
  crowded.listAvailablePeriods({ next_page: firstPeriods.pages.next_page }));
for (const method of ['readEvents', 'freeBusy']) {
  const first = await step(`${method}, page 1`, () => crowded[method]({ tzid: 'Etc/UTC', include_managed: true }));
  await step(`${method}, page 2`, () => crowded[method]({ next_page: first.pages.next_page }));
}

const query = () => ({
  participants: [{ members: [{ sub }], required: 'all' }],
  required_duration: { minutes: 60 },
  query_periods: [{ start: given.at['9'], end: given.at['13'] }],
});
await step('availability', () => maya.availability(query()));
for (const response_format of ['periods', 'slots', 'overlapping_slots']) {
  await step(`availability as ${response_format}`, () => maya.availability({ ...query(), response_format }));
}
await step('availability every hour, with a buffer', () =>
  maya.availability({
    ...query(),
    start_interval: { minutes: 60 },
    buffer: { after: { minutes: 60 }, before: { minimum: { minutes: 0 } } },
    response_format: 'overlapping_slots',
  }));
await step('availability of query_slots', () => {
  const { query_periods, ...rest } = query();
  return maya.availability({
    ...rest,
    query_slots: ['9', '10', '11'].map((hour) => ({ start: given.at[hour] })),
    response_format: 'slots',
  });
});
await step('availability with member statuses', () =>
  maya.availability({ ...query(), include_member_statuses: true, max_results: 1 }));

const hours = { availability_rule_id: 'hours', tzid: 'Etc/UTC' };
const weekly = (start_time, end_time) => [{ day: given.weekday, start_time, end_time }];
await step('upsertAvailabilityRule of a weekday', () =>
  maya.upsertAvailabilityRule({ ...hours, weekly_periods: weekly('11:00', '12:00') }));
const managed = (more) => ({
  ...query(),
  participants: [{ members: [{ sub, managed_availability: true, ...more }], required: 'all' }],
});
await step('availability, managed', () => maya.availability(managed()));
await step('availability, managed by an unknown rule', () =>
  maya.availability(managed({ availability_rule_ids: ['none'] })));
await step('availability, full day', () =>
  maya.availability({
    ...query(),
    participants: [{ members: [{ sub, availability_constraints: [{ period: 'day', limit: 1 }] }] }],
    explain: true,
  }));
await step('deleteAvailabilityRule of a weekday', () => maya.deleteAvailabilityRule(hours));

const meeting = (sequence_id, more) => ({
  sequence_id,
  participants: [{ members: [{ sub }], required: 'all' }],
  required_duration: { minutes: 60 },
  start_interval: { minutes: 60 },
  ...more,
});
const sequence = () => ({
  sequence: [
    meeting('2', { ordinal: 2, buffer: { before: { minimum: { minutes: 0 }, maximum: { minutes: 0 } } } }),
    meeting('1', { ordinal: 1 }),
  ],
  query_periods: query().query_periods,
});
await step('sequencedAvailability', () => maya.sequencedAvailability(sequence()));
await step('sequencedAvailability with a callback', () => calledBack(maya, 'sequencedAvailability', sequence()));
await step('sequencedAvailability, nothing', () =>
  maya.sequencedAvailability({ ...sequence(), sequence: [meeting('1'), meeting('2'), meeting('3'), meeting('4')] }));
await step('sequencedAvailability, 422', () =>
  maya.sequencedAvailability({ ...sequence(), sequence: [meeting('1', { ordinal: 0 }), meeting('1')] }));

const link = {
  oauth: { redirect_uri: 'https://application.example/done' },
  event: { event_id: 'node-interview', summary: 'Interview', tzid: 'Europe/London' },
  availability: query(),
  target_calendars: [{ sub, calendar_id }],
  callback_urls: { completed_url: `${given.receiver}/node` },
  redirect_urls: { completed_url: 'https://application.example/thanks' },
  formatting: { hour_format: 'h' },
  minimum_notice: { minutes: 30 },
  event_creation: 'single',
  selection_mode: 'no_confirm',
};
await step('realTimeScheduling', () => maya.realTimeScheduling(link));
await step('realTimeScheduling with a callback', () => calledBack(maya, 'realTimeScheduling', link));

await step('realTimeScheduling, 422', () => maya.realTimeScheduling({ ...link, event: {}, oauth: {} }));
await step('createEvent, 422', () => maya.createEvent({ ...event, summary: undefined }));
await step('createEvent, 404', () => maya.createEvent({ ...event, calendar_id: 'cal_no_such' }));
await step('listCalendars, 401', () => clientWith({ access_token: 'nobody' }).listCalendars());
await step('listCalendars, 401 with a callback', () =>
  calledBack(clientWith({ access_token: 'nobody' }), 'listCalendars', {}));
await step('realTimeScheduling, 401', () => clientWith({ client_secret: 'CRN_wrong' }).realTimeScheduling(link));
await step('listCalendars, 403', () => clientWith({ access_token: given.client_secret }).listCalendars());
await step('refreshAccessToken, 400', () => clientWith({ ...application, refresh_token: 'nobody' }).refreshAccessToken());
await step('requestAccessToken, 400', () =>
  clientWith(application).requestAccessToken({ code: 'nobody', redirect_uri: 'https://application.example' }));
await step('requestElementToken, not served', () =>
  maya.requestElementToken({ permissions: ['availability'], subs: [sub], origin: 'https://application.example' }));

await step('bulkDeleteEvents', () => maya.bulkDeleteEvents({ delete_all: true }));
await step('readEvents after bulkDeleteEvents', () => maya.readEvents({ tzid: 'Etc/UTC', include_managed: true }));

const jonas = clientWith(application);
const { access_token: before, refresh_token } = await jonas.applicationCalendar({ application_calendar_id: 'node-jonas' });
await step('refreshAccessToken', () => jonas.refreshAccessToken());
const after = jonas.config.access_token;
report.tokens = { answer: { before, after, refresh_token } };
await step('userInfo after refreshAccessToken', () => jonas.userInfo());
await step('revokeAuthorization', () => jonas.revokeAuthorization());
await step('userInfo after revokeAuthorization', () => clientWith({ access_token: after }).userInfo());

for (const [name, secret] of Object.entries(given.signed.secrets)) {
  report[`hmacValid, ${name}`] = {
    answer: clientWith({ client_secret: secret }).hmacValid({ hmac: given.signed.header, body: given.signed.body }),
  };
}

process.stdout.write(JSON.stringify(report));
