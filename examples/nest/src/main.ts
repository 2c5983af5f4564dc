// An application of Nest with Leasehold. Runs until SIGTERM or SIGINT, or for SECONDS.
import 'reflect-metadata'
import { setTimeout } from 'node:timers/promises'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ScheduleModule } from '@nestjs/schedule'
import { LeaseholdModule } from 'leasehold/nest'
import { Reports } from './reports.js'

@Module({
  imports: [ScheduleModule.forRoot(), LeaseholdModule.forRoot()], // forRoot({ target: 'etcd://…' }), or LEASEHOLD_URL
  providers: [Reports],
})
class AppModule {}

const app = await NestFactory.createApplicationContext(AppModule)
app.enableShutdownHooks() // so that a signal ends the work before the locks are released
console.log(`rebuilt under token ${await app.get(Reports).rebuild()}`)

const { SECONDS } = process.env
if (SECONDS) {
  await setTimeout(Number(SECONDS) * 1_000)
  await app.close()
}
