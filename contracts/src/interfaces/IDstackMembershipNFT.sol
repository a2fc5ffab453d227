// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {IERC721} from "@openzeppelin/contracts/token/ERC721/IERC721.sol";
import {IAppAuth} from "./IAppAuth.sol";
import {IAppAuthBasicManagement} from "./IAppAuthBasicManagement.sol";
import {IAppAuthorization} from "./IAppAuthorization.sol";
import {ICheckpoints} from "./ICheckpoints.sol";
import {INodeAccess} from "./INodeAccess.sol";
import {IRegistrationPolicy} from "./IRegistrationPolicy.sol";
import {IRoster} from "./IRoster.sol";
import {ITerms} from "./ITerms.sol";

/// @title All that can be asked of the membership contract, but for its ownership (Ownable2Step)
interface IDstackMembershipNFT is
    IERC721,
    INodeAccess,
    IRegistrationPolicy,
    IRoster,
    ITerms,
    ICheckpoints,
    IAppAuth,
    IAppAuthBasicManagement,
    IAppAuthorization
{}
