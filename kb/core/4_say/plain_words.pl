%   SPDX-License-Identifier: Apache-2.0

:- module(plain_words,
          [ plain_word/1                % +Word
          ]).
:- use_module(library(lists), [member/2]).

/** <module> Plain words of English that are no names

Beside those that the lexicon knows: what one writes about computers without naming any. A word here
is never taken for the name of a machine that does not exist.
*/

term_expansion(words(Text), Facts) :-
    split_string(Text, " \n", " \n", Words),
    findall(plain_word(Word), ( member(Word, Words), Word \== "" ), Facts).

%!  plain_word(+Word:string) is semidet.

words("10gbe 12v 19in 1gbe 1st 24h 2nd 32-bit 3rd 4th 5th 5v 64-bit 7d aarch64 about above
       access account action actions active actual add address admin advice after age alive all
       allow alone along already also always amd amd64 amount an and android another ansible
       answer answers any anyone anything api app apple apps apt arch architecture area arm64
       around as ask asleep asus at attached awake away back backup backups bad base based
       basic be because been before begin behind being below best better between big bios bit
       bits block blue board boot booted booting boots both bottom box brand bring browser
       btrfs budget bug build built-in bus button buy by cache call called came camera can
       capable card cards care case cases cat cause center certificate chain chance change
       channel cheap check choose class clean cleanly clear cli client clients clock close
       cluster code cold comes command commands common company compare computer config
       configuration configured connect connection console container content control cool copy
       core cost could crash crashed crashes crashing create crunches curious current custom
       customer daemon dashboard data database date day days ddr deal debian decide deep
       deepseek default dell deploy deployment describe design desk detail details device dhcp
       did died dies difference different digital direct directory display distribution dns do
       docker document does doing done door double doubt down download draws drive driver
       drivers drop due during each early easy edge effect either else email empty end engine
       enough epyc error errors estimate even event ever every everyone everything exactly
       example exist existing exists expect expensive explain export exporter ext4 extra face
       fact factory failed fails failure fair fall family far farm fast faster fedora few field
       file files film final find fine firmware first fix flow folder follow food for force
       form found four free freeze freezes friday from front frozen full full-time function
       further future gain game games gaming garden gave gbe geforce gemma general get gets
       getting give given gives go goes going good got gpt grafana great green ground group
       grow guess guest gui guide had half hand handle hang hangs happen happens hard hardware
       has hash have having hdd hdmi he head health healthy hear heavily heavy height helm help
       her here hers high high-end higher him his history hit hold holds holiday home hope
       hosted hosting hosts hot-swap hour hours house how however http https human idea idle
       image images important in inside install installed instance instead intel interest
       internal internet into iphone ipv4 ipv6 is issue issues it its job jobs join just k3s
       keep kernel key keys kill kind kitchen knew know known kubernetes lab label lamp lan
       language large last late lately later latest law layer lead learn learning least leave
       left lenovo less let letter level library life light like likely limit limits line linux
       list little live llama llama-server llama3 load loads local log login logs long
       long-term look looks lose lost lot love low low-end lower m2 mac mail main make makes
       manager many map market match matter may maybe me mean means measure media member
       message method middle might mine minute miss mistral mode modern moment monday money
       monitor monitoring month more morning most mother motherboard mount move much multi-core
       music must my myself name named names near need needs network never new news next nice
       night no node none noon normal not note notes nothing notice now number nvidia nvme of
       off offer office offline often ok old ollama on on-call once one ones online only open
       open-source openai opens operating option options or order other our out outage over
       overheats overview own owner owns page pages panel parent part part-time parts pass
       password past patch path pay pcie people per perhaps period person phi phone photo
       physical pick picture piece place plan plans play please plug plus point policy port
       ports possible post powerful present pretty print printer privacy private probably
       problem procedure process processes processor processors product program project
       prometheus prompt proper protect protocol provide provider proxmox public pull purchase
       push put quality question questions quick quickly quiet quite quota qwen rack radeon
       raid raise random raspberry rather re-boot read reading readings ready real real-time
       really reason reasons reboot reboots recent recently recommend record red reduce region
       related release remote remove repair replace report reports request requests require
       reset resource resources response rest restart restarted restarts result results review
       right role roles room root router rule rules run running runs runtime ryzen safe said
       same sample samsung save say says scale schedule screen script search second secondary
       seconds section secure security see seem seems seen select self-hosted send sense
       separate serial series server servers serves service services session set sets setting
       settings setup several share shared she shell short short-term should show shows shut
       shutdown shutdowns side sign similar simple since single single-board sir site sits six
       size sizes sleep sleeps slow slower slowly small so software solar some someone
       something sometimes soon sort sound source space speak special specific specs speed ssd
       ssh stable stable-diffusion stack standard stands start started starts state statement
       status stay steps still stop stopped storage store story stranger street strong student
       stuff style such suddenly suggest suitable summary sunday support sure switch system
       systems table take takes talk target task tasks team tell temp template ten term
       terminal terraform test tests text than thank thanks that the their them then there
       these they thing things think third this those though three throttles through throughput
       ticket time timeout times tip to today together told tomorrow too tool tools top topic
       total toward town track traffic training trend trends trial tried trip trouble true
       trust try turn turns two type typical u2 ubuntu unable under understand unit unknown
       unlike until up up-to-date update updated updates upgrade upgrades upon uptime
       uptime-kuma usage usb use used user users uses using usual usually value values vendor
       version versions very via video view virtual visit voice vpn wait wake wake-on-lan
       waking walk wall want wants warm was watch water way we weak web web-based website
       wednesday week weekend weeks weight weights welcome well well-known went were what when
       where whether which while whisper white who whole why wide wifi will win window windows
       wire wireless wish with within without wonder word words work worked worker workers
       working works world worry worse would write wrong x86 x86-64 xeon year years yellow yes
       yesterday yet you young your yours zero zfs zone").

%   Of this house and its makers.
words("agent agents exporters telemetry sensor gateway worker actuator judge ledger runbook runbooks
       verdict verdicts warrant warrants homelab household kwh kw watts mib gib gb mb tb ghz mhz
       fps").
