// @ts-check
// The same series as they were measured on 2026-11-26, before the curves were made flat: two quiet cores, Node 20, etcd
// 3.5.16, Consul 1.8.7. Data only.

/** By store and series: the values, and the exponent that fits them. @type {Record<string, string>} */
export const before = {
  'etcd hand-over, other holds': '',
  'etcd requests at rest, holds': '100 / 1,000 / 10,000: 20 / 200 / 2,141; 1.0',
  'etcd processor time at rest, holds': '100 / 1,000 / 10,000: 27 / 173 / 558; 0.7',
  'etcd close, holds': '100 / 1,000 / 10,000: 100 / 1,100 / 8,200',
  'etcd keys left by close, holds': '100 / 1,000 / 10,000: 0 / 0 / 6,269',
  'etcd lost of many acquires at once': '10,000: 6,088',
  'etcd messages of a hand-over, waiters': '10 / 100 / 1,000: 3.1 / 3.0 / 4.7; 0.1',
  'etcd hand-over, waiters': '10 / 100 / 1,000: 4.2 / 2.7 / 5.6; 0.1',
  'etcd messages of a cycle, permits': '1 / 10 / 100: 6 / 24 / 259; 0.8',
  'etcd bytes of a cycle, permits': '1 / 10 / 100: 567 / 6,115 / 77,669; 1.1',
  'etcd bytes of time-outs together': '100 / 1,000: 46,000 / 9,200,000; 2.3',
  'etcd lateness of time-outs together': '1,000: 1,000',
  'etcd requests of a change, observers': '10 / 100 / 1,000: 22 / 103 / 1,247; 0.9',
  'consul requests at rest, holds': '10 / 100 / 1,000: 3 / 132 / 212; 0.9',
  'consul hand-over, other holds': '10 / 60 / 200 / 1,000: 20 / 236 / 1,082 / 7,572; 1.3',
  'consul keys left by close, holds': '10,000: 2,871',
  'consul bytes of joining, waiters': '10 / 100 / 500: 2,800 / 16,000 / 73,600; 0.8',
  'consul requests of a cycle, permits': '1 / 10 / 40: 4.8 / 21.8 / 61.8; 0.7',
  'consul bytes of a cycle, permits': '1 / 10 / 40: 3,800 / 54,000 / 481,000; 1.3',
  'consul permits in use': '40: 7',
  'consul requests of a change, observers': '1,000: 2,002',
  'file processor time at rest, holds': '100 / 1,000 / 10,000: 13 / 40 / 229; 0.6',
  'file hand-over, other holds': '0 / 1,000 / 10,000: 1.5 / 24 / 428; 0.6',
  'file a connect next to sessions': '50 / 100 / 200 / 400: 10 / 21 / 25 / 48; 0.7',
  'file joining, waiters': '500: 108',
}
