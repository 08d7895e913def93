import type {DialogTexts} from './en'

export default {
  title: '簡単な確認',
  why: '短い時間に多くのリクエストがありました。見える、または聞こえる数字を入力すると、続けられます。',
  alt: '{n}桁のゆがんだ数字。「音声を聞く」を選ぶと、音声で聞けます。',
  label: '{n}桁の数字',
  listen: '音声を聞く',
  stop: '停止',
  another: '別の画像',
  cancel: 'キャンセル',
  submit: '続ける',
  loading: '読み込み中…',
  checking: '確認中…',
  short: '{n}桁すべての数字を入力してください。',
  wrong: '正しくありませんでした。新しい数字です。',
  old: '時間切れです。新しい数字です。',
  next: '新しい数字です。',
  unseen: '画像を読み込めません。別の画像をお試しください。',
  unheard: '音声を再生できません。もう一度、または別の画像をお試しください。',
  unmade: '新しい画像を取得できません。もう一度お試しください。',
} satisfies DialogTexts
