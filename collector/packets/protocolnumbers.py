"""Numbers of the headers before IP: ethertypes, protocols of PPP, and the results of a search among them."""

from typing import Final

# Ethertypes (IEEE; Wireshark's list for those of makers).
IPV4, IPV6, ETHERNET = 0x0800, 0x86DD, 0x6558
LABELS: Final = (0x8847, 0x8848)
PPPOE, LONG_LLC, PROVIDER_BACKBONE, FABRICPATH, TRILL, NSH = 0x8864, 0x8870, 0x88E7, 0x8903, 0x22F3, 0x894F
MACSEC, CISCO_METADATA, VN_TAG, BRIDGE_PORT_TAG, HSR = 0x88E5, 0x8909, 0x8926, 0x893F, 0x892F
VLAN: Final = (0x8100, 0x88A8, 0x9100, 0x9200, 0x9300)
# Below this the field is a length, and what follows it a header of logical link control (IEEE 802.2).
LLC, MOST_LLC = 0, 1500

# Beside ethertypes: another protocol than those above, and headers that end before they should.
OTHER, CUT = -1, -2
