// Prints whether the broker tells topics' ids, which consumers of Fetch 13 and later need.
import { Admin } from '@platformatic/kafka'

const [topic] = process.argv.slice(2)
const admin = new Admin({
  clientId: 'onrecord-tests',
  bootstrapBrokers: process.env.KAFKA_BOOTSTRAP_SERVERS.split(',')
})
const { topics } = await admin.metadata({ topics: [topic] })
console.log(/[1-9a-f]/.test(topics.get(topic).id))
await admin.close()
